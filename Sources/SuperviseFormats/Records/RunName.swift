/// The name of a run: `[A-Za-z0-9_][A-Za-z0-9._-]{0,63}`.
package struct RunName: Hashable, Sendable, LosslessStringConvertible {
    package let description: String

    package init?(_ text: String) {
        guard (1...64).contains(text.utf8.count), text.utf8.allSatisfy(Self.isAllowed),
            let first = text.utf8.first, first != UInt8(ascii: "."), first != UInt8(ascii: "-")
        else { return nil }
        description = text
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// The default name: the program's (the script's, for an interpreter), and a part of `hash`.
    ///
    /// - Parameters:
    ///   - command: the program and its arguments.
    ///   - hash: hexadecimal digits of a hash of the directory and the arguments; 8 are used.
    package static func standard(for command: [String], hash: String) -> RunName {
        let isInterpreter = Interpreter.named(baseName(command.first ?? "")) != nil
        let script = isInterpreter ? script(in: command.dropFirst()) : nil
        let base = baseName(script ?? command.first ?? "")
        let point = base.lastIndex(of: ".").flatMap { $0 > base.startIndex ? $0 : nil }
        let stem = base[..<(point ?? base.endIndex)]
        let kept = stem.utf8.map { isAllowed($0) ? $0 : UInt8(ascii: "-") }
        let slug = String(decoding: kept, as: UTF8.self).drop { $0 == "." || $0 == "-" }.prefix(48)
        let suffix = hash.prefix(8)
        return RunName("\(slug.isEmpty ? "job" : slug)-\(suffix)") ?? fallback
    }

    /// The first word that is no option; none where the program itself stands on the command line.
    private static func script(in arguments: ArraySlice<String>) -> String? {
        guard let first = arguments.first(where: { !$0.hasPrefix("-") || $0 == "-c" || $0 == "-e" })
        else { return nil }
        return first.hasPrefix("-") ? nil : first
    }

    private static let fallback = RunName(unchecked: "job")

    private init(unchecked text: String) { description = text }

    /// What follows the last slash.
    static func baseName(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }
}
