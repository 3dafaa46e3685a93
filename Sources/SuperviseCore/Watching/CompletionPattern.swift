import SuperviseFormats

/// A glob of `--watch-complete`, such as `*/.metadata`: what in a watched directory says that it is
/// complete.
package struct CompletionPattern: Equatable, Sendable {
    /// As it was written.
    package let text: String
    private let parts: [NamePattern]

    /// nil where nothing in a directory can fit: it is empty, absolute, leads out of the directory,
    /// ends with a slash, or holds a NUL.
    package init?(_ text: String) {
        let path = FilePath(text)
        let names = path.components.filter { $0 != "." }
        guard !names.isEmpty, !path.isAbsolute, !names.contains(".."), !text.utf8.contains(0),
            text.utf8.last != UInt8(ascii: "/")
        else { return nil }
        self.text = text
        parts = names.map { NamePattern($0.text) }
    }

    /// - Parameter path: of something in the directory, relative to it.
    package func fits(_ path: FilePath) -> Bool {
        let names = path.components
        return names.count == parts.count && zip(parts, names).allSatisfy { $0.fits($1.text) }
    }
}
