import SuperviseFormats

/// What is mounted where, as `/proc/self/mountinfo` lists it (proc(5)).
package struct MountTable: Equatable, Sendable {
    package struct Entry: Equatable, Sendable {
        /// The mount point.
        package var point: FilePath
        /// Of the file system, such as `ext4`.
        package var kind: String
        /// Such as `/dev/sdb1`.
        package var source: String

        /// A file system of its own is mounted there, and not only the trigger that mounts it (autofs).
        package var isDisk: Bool { point != "/" && kind != "autofs" }
    }

    private let entries: [Entry]

    package init(_ text: String) {
        entries = text.split(separator: "\n").compactMap { Self.entry($0) }
    }

    /// The file system that a path is on; nil if the table does not tell.
    ///
    /// - Parameter path: absolute, without links.
    package func entry(of path: FilePath) -> Entry? {
        var found: Entry?
        for entry in entries where path.isBelow(entry.point) {
            // Of two at one point, the later one lies on top.
            let length = found?.point.components.count ?? 0
            if entry.point.components.count >= length { found = entry }
        }
        return found
    }

    /// The optional fields end with a dash.
    private static func entry(_ line: Substring) -> Entry? {
        let words = line.split(separator: " ")
        guard words.count > 6, let dash = words[6...].firstIndex(of: "-"), dash + 2 < words.count
        else { return nil }
        return Entry(
            point: FilePath(unescaped(words[4])), kind: String(words[dash + 1]),
            source: unescaped(words[dash + 2]))
    }

    /// With the bytes that stand as `\040` (octal) there.
    private static func unescaped(_ word: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = word.utf8[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3,
                let value = UInt8(String(Substring(digits)), radix: 8)
            {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
