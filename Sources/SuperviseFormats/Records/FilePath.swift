/// The path of a file, compared by its bytes as a file system does.
///
/// To Swift's `String` two names are equal that differ only in how an accent is written (é as one
/// code point or as two), and a slash before a combining mark is no slash. To a file system they are
/// two files, and the slash is one. All paths of payloads, and all keys that are paths, are of this
/// type.
package struct FilePath: Sendable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package init(_ text: Substring) { self.text = String(text) }

    package var isAbsolute: Bool { text.utf8.first == Self.slash }

    /// The names between the slashes.
    package var components: [FilePath] {
        text.utf8.split(separator: Self.slash).map { FilePath(Substring($0)) }
    }

    /// The last of its names; the whole where there is none, as in `/`.
    package var name: String { components.last?.text ?? text }

    /// The directory that an absolute path is in.
    package var parent: FilePath {
        guard let slash = text.utf8.lastIndex(of: Self.slash), slash > text.startIndex else {
            return "/"
        }
        return FilePath(text[..<slash])
    }

    /// Whether it is this directory, or leads to something in it.
    package func isBelow(_ directory: FilePath) -> Bool {
        guard text.utf8.starts(with: directory.text.utf8) else { return false }
        let next = text.utf8.dropFirst(directory.text.utf8.count).first
        return next == nil || next == Self.slash || directory.text.utf8.last == Self.slash
    }

    /// The path relative to a directory; nil if it is not in it.
    package func below(_ directory: FilePath) -> FilePath? {
        guard isBelow(directory) else { return nil }
        let rest = text.utf8.dropFirst(directory.text.utf8.count).drop { $0 == Self.slash }
        return rest.isEmpty ? nil : FilePath(Substring(rest))
    }

    /// The same file below another directory.
    ///
    /// - Parameter old: the path itself, or a directory that it is in.
    package func moved(from old: FilePath, to new: FilePath) -> FilePath {
        let rest = text.utf8.dropFirst(old.text.utf8.count)
        return FilePath(new.text + String(Substring(rest)))
    }

    /// Something in this directory, which may be `/`.
    package func appending(_ name: String) -> FilePath {
        FilePath(text.utf8.last == Self.slash ? text + name : "\(text)/\(name)")
    }

    private static let slash = UInt8(ascii: "/")
}

extension FilePath: Hashable, Comparable {
    package static func == (left: FilePath, right: FilePath) -> Bool {
        let isSame = left.text.utf8.withContiguousStorageIfAvailable { left in
            right.text.utf8.withContiguousStorageIfAvailable { right in
                // Often both are the same object, as the directory of 100,000 checkpoints is.
                left.count == right.count
                    && (left.baseAddress == right.baseAddress || left.elementsEqual(right))
            }
        }
        return (isSame ?? nil) ?? left.text.utf8.elementsEqual(right.text.utf8)
    }

    package static func < (left: FilePath, right: FilePath) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        hasher.combine(UInt8.max)
    }
}

extension FilePath: ExpressibleByStringInterpolation, CustomStringConvertible {
    package init(stringLiteral text: String) { self.text = text }

    package var description: String { text }
}

/// As a plain string.
extension FilePath: Codable {
    package init(from decoder: any Decoder) throws {
        text = try decoder.singleValueContainer().decode(String.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
