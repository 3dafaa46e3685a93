import SuperviseFormats

/// The contents that were told or found at the start, and the names that they have now.
///
/// A content is known by how it looks (``Mark``), wherever it is: another name for it, by `rename`,
/// by `link` or by a rename of a directory above it, is no new content.
struct KnownContents {
    /// A content that was reported under one name and has another name now.
    struct Renamed: Equatable {
        /// The name under which it was reported.
        let from: FilePath
        /// The same, where only the directory above is another one.
        let to: FilePath
        /// Where it really was; nil where it is still there, as only a link leads elsewhere.
        var left: RealPath?
    }

    private struct Content {
        /// Where each name really is.
        var names: [FilePath: RealPath] = [:]
        /// The name under which it was told, or found at the start.
        var told: FilePath
        /// Where it really is.
        var place: RealPath
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
        let place = mark.place ?? RealPath(path)
        var content = contents[mark] ?? Content(told: path, place: place)
        content.names[path] = place
        contents[mark] = content
        if content.names[content.told] != content.place {
            let name = content.names[content.told] == nil ? path : content.told
            renamed.append(rename(mark, from: content.told, to: name))
        }
        return renamed
    }

    /// Notes that this content is told under this name.
    mutating func tell(_ path: FilePath, _ mark: Mark) -> [Renamed] {
        let renamed = name(path, mark)
        contents[mark]?.told = path
        if let place = contents[mark]?.names[path] { contents[mark]?.place = place }
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

    /// The present name of the content that was reported under this one.
    func nameNow(_ path: FilePath) -> FilePath { renames[path] ?? path }

    /// The contents that were reported, or found at the start, by their present names.
    func mark(of path: FilePath) -> Mark? { marks[path] }

    /// Forgets the content that was told under a name, so that it counts as new once more.
    ///
    /// - Returns: the name that it has now.
    mutating func forget(_ path: FilePath) -> FilePath {
        let now = nameNow(path)
        if let mark = marks[now] {
            for name in (contents[mark]?.names ?? [:]).keys { marks[name] = nil }
            contents[mark] = nil
        }
        return now
    }

    private mutating func removeName(_ path: FilePath, mayComeBack: Bool) -> [Renamed] {
        guard let mark = marks.removeValue(forKey: path) else { return [] }
        contents[mark]?.names[path] = nil
        guard let content = contents[mark] else { return [] }
        if let other = content.names.keys.min() {
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
        var renamed = Renamed(from: from, to: to)
        if var content = contents[mark], let place = content.names[to] {
            if place != content.place { renamed.left = content.place }
            content.told = to
            content.place = place
            contents[mark] = content
        }
        if from == to { return renamed }
        if renames.count >= Self.mostAway { renames = [:] }
        for (name, now) in renames where now == from { renames[name] = to }
        renames[from] = to
        return renamed
    }
}
