import SuperviseFormats

/// Numbers, times and texts of others as a person reads them.
package enum HumanText {
    /// A length of time that matters in itself: `4 ms`, `0.7 s`, `52 s`, `3m20s`.
    package static func duration(_ seconds: Double) -> String { DurationText.length(seconds) }

    /// How long ago or how far ahead, in whole units, the largest two: `8 s`, `3m20s`, `2h05m`.
    package static func age(_ seconds: Double) -> String { DurationText.age(seconds) }

    /// A time that somebody has set: `60 s`, `90 s`, `5 min`, `2h30m`.
    package static func limit(_ seconds: Double) -> String { DurationText.limit(seconds) }

    /// Steps in the unit of time that gives a number one can read: `3.2/s`, `4.8/min`, `2/h`.
    package static func rate(perSecond rate: Double) -> String {
        let scales: [(factor: Double, unit: String)] = [(1, "s"), (60, "min"), (3600, "h")]
        for scale in scales where rate * scale.factor >= 0.0995 || scale.unit == "h" {
            return "\(number(rate * scale.factor, digits: 2))/\(scale.unit)"
        }
        return ""
    }

    /// `45 %`, or with one decimal.
    package static func percent(_ fraction: Double, decimals: Int = 0) -> String {
        // 99.99 % is not all of it, and must not look like it.
        let rounded = fixed(fraction * 100, decimals: decimals)
        let isTooMuch = fraction < 1 && rounded == fixed(100, decimals: decimals)
        return (isTooMuch ? fixed(decimals == 0 ? 99 : 99.9, decimals: decimals) : rounded) + " %"
    }

    /// `width` columns, of which `fraction` are filled.
    package static func bar(_ fraction: Double, width: Int, ascii: Bool = false) -> String {
        let share = fraction.isNaN ? 0 : min(max(fraction, 0), 1)
        let filled = Int((share * Double(width)).rounded(.down))
        return String(repeating: ascii ? "#" : "█", count: filled)
            + String(repeating: ascii ? "." : "░", count: width - filled)
    }

    /// At least `digits` significant digits, without zeros at the end: `0.213`, `1234`, `1.2e-07`.
    package static func number(_ value: Double, digits: Int = 3) -> String {
        guard value.isFinite else { return "\(value)" }
        let size = abs(value)
        if size == 0 { return "0" }
        if size >= 1e15 || size < 1e-4 { return scientific(value, digits: digits) }
        var decimals = digits - 1
        var bound = 1.0
        while decimals > 0, size >= bound * 10 {
            bound *= 10
            decimals -= 1
        }
        while size < bound, bound > 1e-5 {
            bound /= 10
            decimals += 1
        }
        return withoutZeros(fixed(value, decimals: decimals))
    }

    /// `1 checkpoint`, `2 checkpoints`.
    package static func count(_ count: Int, _ noun: String) -> String {
        count == 1 ? "1 \(noun)" : "\(count) \(noun)s"
    }

    /// The text of somebody else on one line, without anything that a terminal would obey.
    package static func printable(_ text: String) -> String { SuperviseFormats.printable(text) }

    /// A program and its arguments as they could be typed into a shell.
    package static func commandLine(_ words: [String]) -> String {
        words.map(shellWord).joined(separator: " ")
    }

    private static func shellWord(_ word: String) -> String {
        let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+=:,@%^")
        if !word.isEmpty, word.allSatisfy(plain.contains) { return word }
        let quoted = word.split(separator: "'", omittingEmptySubsequences: false)
            .joined(separator: "'\\''")
        return "'\(printable(quoted))'"
    }

    /// `value` with exactly so many decimals, 0 to 9.
    private static func fixed(_ value: Double, decimals: Int) -> String {
        var scale: Int64 = 1
        for _ in 0..<decimals { scale *= 10 }
        let scaled = (abs(value) * Double(scale)).rounded()
        guard scaled < 9e18 else { return "\(value)" }
        let units = Int64(scaled)
        let sign = value < 0 && units > 0 ? "-" : ""
        guard decimals > 0 else { return "\(sign)\(units)" }
        return "\(sign)\(units / scale).\(padded(units % scale, decimals))"
    }

    private static func withoutZeros(_ text: String) -> String {
        guard text.contains(".") else { return text }
        let kept = text.reversed().drop { $0 == "0" }
        return String(
            kept.first == "." ? String(kept.dropFirst().reversed()) : String(kept.reversed()))
    }

    private static func scientific(_ value: Double, digits: Int) -> String {
        var mantissa = abs(value)
        var exponent = 0
        while mantissa >= 10 {
            mantissa /= 10
            exponent += 1
        }
        while mantissa < 1 {
            mantissa *= 10
            exponent -= 1
        }
        var text = withoutZeros(fixed(mantissa, decimals: digits - 1))
        if text == "10" {
            text = "1"
            exponent += 1
        }
        let sign = exponent < 0 ? "-" : "+"
        return "\(value < 0 ? "-" : "")\(text)e\(sign)\(padded(Int64(abs(exponent)), 2))"
    }
}
