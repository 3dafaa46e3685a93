import SuperviseFormats

/// The contents that were told or found at the start, and the names that they have now.
///
/// A content is known by how it looks (``Mark``), wherever it is: another name for it, by `rename`,
/// by `link` or by a rename of a directory above it, is no new content.
struct KnownContents {
    /// A content that was told under one name, which it has no longer.
    struct Renamed: Equatable {
        let from: FilePath
        let to: FilePath
    }

    private struct Content {
        var names: Set<FilePath> = []
        /// The name under which it was told, or found at the start.
        var told: FilePath
    }

    private var contents: [Mark: Content] = [:]
    private var marks: [FilePath: Mark] = [:]
    /// Contents that were moved away and may come back, the latest last.
    private var away: [Mark] = []
    /// Where contents went that were told under these names.
    private var renames: [FilePath: FilePath] = [:]

    /// Of what was moved away, so many are remembered.
    static let mostAway = 4096

    var isEmpty: Bool { marks.isEmpty }

    var paths: [FilePath] { Array(marks.keys) }

    func contains(_ mark: Mark) -> Bool { contents[mark] != nil }

    /// Notes what has this name now.
    ///
    /// - Returns: the contents whose name to use has changed by it.
    mutating func name(_ path: FilePath, _ mark: Mark) -> [Renamed] {
        var renamed: [Renamed] = []
        if let old = marks[path], old != mark {
            renamed += removeName(path, mayComeBack: false)
        }
        marks[path] = mark
        contents[mark, default: Content(told: path)].names.insert(path)
        if let told = contents[mark]?.told, contents[mark]?.names.contains(told) == false {
            renamed.append(rename(mark, from: told, to: path))
        }
        return renamed
    }

    /// Notes that this content is told under this name.
    mutating func tell(_ path: FilePath, _ mark: Mark) -> [Renamed] {
        let renamed = name(path, mark)
        contents[mark]?.told = path
        renames[path] = nil
        return renamed
    }

    /// Notes that a name is gone, and all below it.
    ///
    /// - Parameter mayComeBack: it was moved elsewhere.
    mutating func remove(_ path: FilePath, mayComeBack: Bool) -> [Renamed] {
        if marks[path] == nil, marks.isEmpty { return [] }
        return marks.keys.filter { $0.isBelow(path) }.sorted()
            .flatMap { removeName($0, mayComeBack: mayComeBack) }
    }

    /// The name that the content has now that was told under this one.
    func nameNow(_ path: FilePath) -> FilePath { renames[path] ?? path }

    /// What was told, or found at the start, under the name that it has now.
    func mark(of path: FilePath) -> Mark? { marks[path] }

    /// Forgets the content that was told under a name, so that it counts as new once more.
    ///
    /// - Returns: the name that it has now.
    mutating func forget(_ path: FilePath) -> FilePath {
        let now = nameNow(path)
        if let mark = marks[now] {
            for name in contents[mark]?.names ?? [] { marks[name] = nil }
            contents[mark] = nil
        }
        return now
    }

    private mutating func removeName(_ path: FilePath, mayComeBack: Bool) -> [Renamed] {
        guard let mark = marks.removeValue(forKey: path) else { return [] }
        contents[mark]?.names.remove(path)
        guard let content = contents[mark] else { return [] }
        if let other = content.names.min() {
            return content.told == path ? [rename(mark, from: path, to: other)] : []
        }
        if mayComeBack { keepAway(mark) } else { contents[mark] = nil }
        return []
    }

    private mutating func keepAway(_ mark: Mark) {
        away.append(mark)
        guard away.count > Self.mostAway else { return }
        let oldest = away.removeFirst()
        if contents[oldest]?.names.isEmpty == true { contents[oldest] = nil }
    }

    private mutating func rename(_ mark: Mark, from: FilePath, to: FilePath) -> Renamed {
        contents[mark]?.told = to
        if renames.count >= Self.mostAway { renames = [:] }
        for (name, now) in renames where now == from { renames[name] = to }
        renames[from] = to
        return Renamed(from: from, to: to)
    }
}
