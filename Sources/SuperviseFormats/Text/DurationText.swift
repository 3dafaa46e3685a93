/// Durations as people write and read them: `500ms 10s 5m 2h 1d`, `1.5h`, `1h30m`, `2m03s`, `10 min`.
///
/// Whatever is printed here is read here: a duration that was copied from a status is one that an
/// option takes.
package enum DurationText {
    /// From the smallest to the largest, each with all its names; the first one is printed.
    private static let units: [(names: [String], milliseconds: Double)] = [
        (["ms"], 1), (["s", "sec", "secs", "second", "seconds"], 1000),
        (["m", "min", "mins", "minute", "minutes"], 60_000),
        (["h", "hr", "hrs", "hour", "hours"], 3_600_000), (["d", "day", "days"], 86_400_000),
    ]

    private static let longest: Double = 36_525 * 86_400_000

    /// The duration that `text` names; nil where it names none or one of over 100 years.
    ///
    /// Several units stand in order, the largest first, each once; only the last number may have a
    /// fraction.
    package static func parse(_ text: String) -> Duration? {
        // By bytes: what a character of Unicode is takes long to find out, and starts wait for it.
        var rest = text.utf8[...]
        var milliseconds = 0.0
        var last = units.count
        var isOver = false
        repeat {
            guard !isOver, let number = NumberText(&rest), let unit = unit(&rest), unit < last
            else { return nil }
            milliseconds += number.value * units[unit].milliseconds
            last = unit
            isOver = number.hasFraction
            if !rest.isEmpty { NumberText.skipSpaces(&rest) }
        } while !rest.isEmpty
        if text.utf8.last == UInt8(ascii: " ") { return nil }
        milliseconds = milliseconds.rounded()
        guard milliseconds <= longest else { return nil }
        return .milliseconds(Int64(milliseconds))
    }

    /// Which of ``units`` the letters at the beginning name; takes them out.
    private static func unit(_ rest: inout Substring.UTF8View) -> Int? {
        let letters = rest.prefix { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
        rest = rest[letters.endIndex...]
        return units.firstIndex { $0.names.contains { letters.elementsEqual($0.utf8) } }
    }

    /// The shortest exact form.
    package static func format(_ duration: Duration) -> String {
        let milliseconds = duration.wholeMilliseconds
        for unit in units.reversed() where milliseconds != 0 {
            let size = Int64(unit.milliseconds)
            if milliseconds % size == 0 { return "\(milliseconds / size)\(unit.names[0])" }
        }
        return "0s"
    }
}

/// How people are shown durations; see `HumanText` for when which is used.
extension DurationText {
    /// A length of time that matters in itself: `4 ms`, `0.7 s`, `52 s`, `3m20s`.
    package static func length(_ seconds: Double) -> String {
        let seconds = max(0, seconds)
        if seconds < 0.0995 { return "\(Int((seconds * 1000).rounded())) ms" }
        guard seconds < 9.95 else { return age(seconds) }
        let tenths = Int((seconds * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) s"
    }

    /// In whole units, the largest two: `8 s`, `3m20s`, `2h05m`, `4d07h`.
    package static func age(_ seconds: Double) -> String {
        let total = Int64(min(max(0, seconds), 1e15).rounded())
        let (minutes, hours, days) = (total / 60, total / 3600, total / 86_400)
        if total < 60 { return "\(total) s" }
        if total < 3600 { return "\(minutes)m\(padded(total % 60, 2))s" }
        if total < 86_400 { return "\(hours)h\(padded(minutes % 60, 2))m" }
        return "\(days)d\(padded(hours % 24, 2))h"
    }

    /// A time that somebody has set: `60 s`, `90 s`, `5 min`, `2h30m`.
    package static func limit(_ seconds: Double) -> String {
        let whole = seconds.rounded()
        if whole != seconds || seconds < 1 { return length(seconds) }
        if seconds < 120 { return "\(Int(seconds)) s" }
        let isMinutes = seconds < 7200 && seconds.truncatingRemainder(dividingBy: 60) == 0
        return isMinutes ? "\(Int(seconds) / 60) min" : age(seconds)
    }
}

/// A number without a sign, and perhaps with a fraction, at the beginning of a text.
struct NumberText {
    let value: Double
    let hasFraction: Bool

    /// Takes it out, with one space behind it; nil where there is none.
    init?(_ rest: inout Substring.UTF8View) {
        let point = UInt8(ascii: ".")
        let digits = rest.prefix { ($0 &- UInt8(ascii: "0")) < 10 || $0 == point }
        guard let first = digits.first, first != point, digits.last != point,
            let value = Double(Substring(digits))
        else { return nil }
        self.value = value
        hasFraction = digits.contains(point)
        rest = rest[digits.endIndex...]
        Self.skipSpaces(&rest)
    }

    /// At most one.
    static func skipSpaces(_ rest: inout Substring.UTF8View) {
        if rest.first == UInt8(ascii: " ") { rest = rest.dropFirst() }
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
