/// Durations as people write them: `500ms 10s 5m 2h 1d`, also with a fraction, as in `1.5h`.
package enum DurationText {
    private static let units: [(suffix: String, milliseconds: Double)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    /// The duration that `text` names; nil where it names none or one of over 100 years.
    package static func parse(_ text: String) -> Duration? {
        // By bytes: what a character of Unicode is takes long to find out, and starts wait for it.
        let point = UInt8(ascii: ".")
        let number = text.utf8.prefix { ($0 &- UInt8(ascii: "0")) < 10 || $0 == point }
        guard let first = number.first, first != point, number.last != point,
            let value = Double(Substring(number)),
            case let suffix = text.utf8[number.endIndex...],
            let unit = units.first(where: { suffix.elementsEqual($0.suffix.utf8) })
        else { return nil }
        let milliseconds = (value * unit.milliseconds).rounded()
        guard milliseconds <= 36_525 * 86_400_000 else { return nil }
        return .milliseconds(Int64(milliseconds))
    }

    /// The shortest exact form that ``parse(_:)`` reads.
    package static func format(_ duration: Duration) -> String {
        let milliseconds = duration.wholeMilliseconds
        for unit in units.reversed() where milliseconds != 0 {
            let size = Int64(unit.milliseconds)
            if milliseconds % size == 0 { return "\(milliseconds / size)\(unit.suffix)" }
        }
        return "0s"
    }
}

extension Duration {
    /// In seconds, as a floating-point number.
    package var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }

    /// In milliseconds; what is less is cut off.
    package var wholeMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
