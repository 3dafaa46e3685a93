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

/// Which run is meant: `NAME`, or `NAME@20261121T050401Z` for one in the archive.
package struct RunReference: Hashable, Sendable, LosslessStringConvertible {
    package let name: RunName
    /// When it was archived, as in `20261121T050401Z`; nil for the run that has the name now.
    package let time: String?

    package init(_ name: RunName, time: String? = nil) {
        self.name = name
        self.time = time
    }

    package init?(_ text: String) {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first.flatMap({ RunName(String($0)) }) else { return nil }
        guard parts.count == 2 else {
            self.init(name)
            return
        }
        guard Self.isTime(parts[1]) else { return nil }
        self.init(name, time: String(parts[1]))
    }

    /// - Parameter label: what the archive's directory is called, as in `NAME-20261121T050401Z`.
    package init?(label: String) {
        guard let dash = label.lastIndex(of: "-"), let name = RunName(String(label[..<dash])),
            Self.isTime(label[label.index(after: dash)...])
        else { return nil }
        self.init(name, time: String(label[label.index(after: dash)...]))
    }

    package var description: String { time.map { "\(name)@\($0)" } ?? name.description }

    /// What the directory is called.
    package var label: String { time.map { "\(name)-\($0)" } ?? name.description }

    package var isArchived: Bool { time != nil }

    /// When it was archived; nil for a run that is not.
    package var archivedAt: Timestamp? {
        guard let time else { return nil }
        let digits = Array(time)
        func part(_ range: Range<Int>) -> String { String(digits[range]) }
        return Timestamp(
            "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))"
                + "T\(part(9..<11)):\(part(11..<13)):\(part(13..<15)).000Z")
    }

    /// The time of a moment, without its fraction of a second.
    package static func time(_ moment: Timestamp) -> String {
        moment.description.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
    }

    private static func isTime(_ text: Substring) -> Bool {
        let pattern = Array("00000000T000000Z".utf8)
        return text.utf8.count == pattern.count
            && zip(text.utf8, pattern).allSatisfy { character, wanted in
                wanted == UInt8(ascii: "0")
                    ? (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(character)
                    : character == wanted
            }
    }
}
