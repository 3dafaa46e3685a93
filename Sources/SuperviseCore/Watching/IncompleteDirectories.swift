import SuperviseFormats

/// Directories that fit `--watch` and in which nothing fits `--watch-complete`.
package struct IncompleteDirectories: Equatable, Sendable {
    /// Status and warning name so many at most.
    static let most = 20

    /// In order; the last ones where there are too many.
    package private(set) var paths: [FilePath] = []
    private var told: Set<FilePath> = []

    package init() {}

    /// An attempt has ended, and these are there.
    ///
    /// - Returns: those that were not told before.
    mutating func found(_ all: [FilePath]) -> [FilePath] {
        paths = all.sorted().suffix(Self.most)
        let new = all.filter { !told.contains($0) }
        told = Set(all)
        return new.sorted()
    }

    /// This one is complete by now.
    mutating func completed(_ path: FilePath) {
        paths.removeAll { $0 == path }
    }
}
