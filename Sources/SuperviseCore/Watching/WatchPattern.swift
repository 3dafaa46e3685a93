import SuperviseFormats

/// A glob of `--watch`, such as `out/*/ckpt-{step}.pt`.
package struct WatchPattern: Equatable, Sendable {
    /// As it was written.
    package let text: String
    package let isAbsolute: Bool
    /// Of its parts between slashes; at least one.
    package let parts: [NamePattern]

    /// nil where nothing can fit: it is empty, ends with a slash or a point, or holds a NUL; and where
    /// it has more than one `{step}`.
    package init?(_ text: String) {
        let path = FilePath(text)
        let parts = path.components.filter { $0 != "." }
        guard let last = parts.last, last != "..", text.utf8.last != UInt8(ascii: "/"),
            !text.utf8.contains(0)
        else { return nil }
        self.text = text
        isAbsolute = path.isAbsolute
        self.parts = parts.map { NamePattern($0.text) }
        if self.parts.reduce(0, { $0 + $1.steps }) > 1 { return nil }
    }

    /// The number in a path that fits this pattern, as far as wildcards cover it.
    ///
    /// What `{step}` stands for is the number. Without it the number behind a word such as `step` is,
    /// and without such a word the last one. nil if there is none.
    package func step(in path: FilePath) -> Int64? {
        let names = path.components.suffix(parts.count)
        guard names.count == parts.count else { return nil }
        let hasStep = parts.contains { $0.steps > 0 }
        var numbers: [NameNumber] = []
        for (name, part) in zip(names, parts) where part.literal == nil {
            guard let match = part.match(name.text) else { return nil }
            let scalars = Array(name.text.unicodeScalars)
            if let step = match.step { return NameNumber.value(scalars[step]) }
            if !hasStep { numbers += NameNumber.all(in: scalars, covered: match.isCovered) }
        }
        return NameNumber.step(among: numbers)
    }
}
