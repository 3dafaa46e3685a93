/// Sizes as people write and read them: `512B`, `10kB`, `10MB`, `5G` (powers of 1000), `5GiB`, `5Gi`
/// (powers of 1024), in capitals or not.
///
/// Whatever is printed here is read here.
package enum SizeText {
    private static let prefixes: [UInt8] = Array("kmgtp".utf8)

    /// The number of bytes that `text` names; nil where it names none.
    ///
    /// A number needs its unit, as nobody can tell whether 500 are bytes, kB or MB; 0 needs none.
    package static func parse(_ text: String) -> Int64? {
        var rest = text.utf8[...]
        guard let number = NumberText(&rest) else { return nil }
        if text == "0" { return 0 }
        guard let factor = factor(rest.map { $0 | 0x20 }) else { return nil }
        let bytes = (number.value * factor).rounded()
        return bytes < 9e18 ? Int64(bytes) : nil
    }

    /// - Parameter unit: in small letters.
    private static func factor(_ unit: [UInt8]) -> Double? {
        let b = UInt8(ascii: "b")
        if unit == [b] { return 1 }
        guard let first = unit.first, let power = prefixes.firstIndex(of: first) else { return nil }
        let base: Double
        switch unit.dropFirst() {
        case [], [b]: base = 1000
        case [UInt8(ascii: "i")], [UInt8(ascii: "i"), b]: base = 1024
        default: return nil
        }
        return (0...power).reduce(1) { result, _ in result * base }
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
