/// Sizes as people write them: `512`, `10kB`, `10MB` (powers of 1000), `5GiB` (powers of 1024).
package enum SizeText {
    private static let units: [(suffix: String, bytes: Double)] = [
        ("", 1), ("B", 1), ("kB", 1e3), ("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12),
        ("KiB", 1024), ("MiB", 1_048_576), ("GiB", 1_073_741_824), ("TiB", 1_099_511_627_776),
    ]

    /// The number of bytes that `text` names; nil where it names none.
    package static func parse(_ text: String) -> Int64? {
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let first = number.first, first != ".", number.last != ".",
            let value = Double(number),
            let unit = units.first(where: { $0.suffix == text.dropFirst(number.count) })
        else { return nil }
        let bytes = (value * unit.bytes).rounded()
        return bytes < 9e18 ? Int64(bytes) : nil
    }

    /// Two or three digits and a decimal unit, such as `51 kB`, for people.
    package static func format(_ bytes: Int64) -> String {
        var value = Double(bytes)
        var unit = "B"
        for next in ["kB", "MB", "GB", "TB", "PB"] where value >= 999.5 {
            value /= 1000
            unit = next
        }
        guard unit != "B", value < 9.95 else { return "\(Int64(value.rounded())) \(unit)" }
        let tenths = Int64((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) \(unit)"
    }
}
