import SuperviseFormats

/// Where one `--watch` looks: a directory, and what of the pattern is below it.
package struct WatchedArea: Codable, Equatable, Sendable {
    /// Absolute.
    package var place: FilePath
    /// Parts of the pattern, as they were written; the last one is that of what is taken.
    package var rest: [String]

    package init(place: FilePath, rest: [String]) {
        self.place = place
        self.rest = rest
    }

    /// Whether something that is taken for one of them may be what is taken for the other, or hold it.
    ///
    /// In one directory anything may: two globs of the same name are not compared, nor are two names
    /// in the same directory.
    package func overlaps(_ other: WatchedArea) -> Bool {
        // The parents of a directory that a wildcard stands for are not known.
        if rest.contains("..") || other.rest.contains("..") {
            return place.isBelow(other.place) || other.place.isBelow(place)
        }
        var pairs = Array(zip(parts, other.parts))
        if parts.count == other.parts.count { pairs.removeLast() }
        return pairs.allSatisfy(Self.mayBeOne)
    }

    private var parts: [NamePattern] {
        place.components.map { NamePattern(literal: $0.text) } + rest.map { NamePattern($0) }
    }

    private static func mayBeOne(_ pair: (NamePattern, NamePattern)) -> Bool {
        if let name = pair.0.literal { return pair.1.fits(name) }
        if let name = pair.1.literal { return pair.0.fits(name) }
        return true
    }
}
