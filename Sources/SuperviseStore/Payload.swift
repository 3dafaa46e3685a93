import SuperviseFormats
import SuperviseSystem

/// What is in a payload directory: regular files, directories, and links that stay inside.
struct Payload: Equatable, Sendable {
    struct File: Equatable, Sendable {
        /// Below the checkpoint's directory, such as `data/model.bin`; absolute where it is outside.
        var path: FilePath
        var status: FileStatus
    }

    /// In order of the paths' bytes.
    private(set) var files: [File] = []
    /// In order of the paths' bytes.
    private(set) var links: [Manifest.Link] = []
    /// With the top one; each before those in it.
    private(set) var directories: [FilePath] = []

    init(files: [File] = [], links: [Manifest.Link] = []) {
        self.files = files
        self.links = links
    }

    var bytes: Int64 { files.reduce(0) { $0 + $1.status.size } }

    /// Looks through a directory tree.
    ///
    /// - Parameters:
    ///   - base: the path that the others are relative to.
    ///   - top: the directory to look through: relative to `base`, or an absolute path, and then all
    ///     are.
    ///   - absent: files that belong to it and are elsewhere, relative to `base`.
    /// - Throws: `badPath` for anything that a payload cannot hold, `unreadable`.
    static func read(
        _ fileSystem: any FileSystem, base: String, top: FilePath = CheckpointFile.data,
        absent: [FilePath] = []
    ) throws(StoreError) -> Payload {
        var payload = Payload()
        try walk(top) { (directory) throws(StoreError) in
            payload.directories.append(directory)
            return try look(Manifest.place(of: directory, in: base)) {
                (path) throws(SystemError) in try fileSystem.list(path)
            }
        } visit: { (path, entry) throws(StoreError) in
            try payload.add(entry, at: path, Manifest.place(of: path, in: base), fileSystem)
        }
        payload.files.sort { $0.path < $1.path }
        payload.links.sort { $0.path < $1.path }
        if let link = payload.linkThatLeaves(top, absent: absent) {
            throw .badPath(
                Manifest.place(of: link.path, in: base),
                reason: "is a link to \(shown(link.target)), which is not in the checkpoint; "
                    + "a checkpoint must be whole by itself")
        }
        return payload
    }

    private mutating func add(
        _ entry: DirectoryEntry, at path: FilePath, _ place: String, _ fileSystem: any FileSystem
    ) throws(StoreError) {
        try Self.check(entry, place)
        if entry.kind == .file {
            let status = try Self.look(place) { (path) throws(SystemError) in
                try fileSystem.status(path)
            }
            files.append(File(path: path, status: status))
        }
        if entry.kind == .link {
            let target = try Self.look(place) { (path) throws(SystemError) in
                try fileSystem.readLink(path)
            }
            links.append(Manifest.Link(path: path, target: FilePath(target)))
        }
    }

    /// What is at an absolute path: a single file, or all that is in a directory.
    ///
    /// - Throws: as ``read(_:base:top:)``.
    static func outside(
        _ fileSystem: any FileSystem, _ path: FilePath
    ) throws(StoreError) -> Payload {
        let status = try look(path.text) { (path) throws(SystemError) in try fileSystem.status(path)
        }
        switch status.kind {
        case .file:
            return Payload(files: [File(path: path, status: status)])
        case .directory: return try read(fileSystem, base: "", top: path)
        case .link, .other: throw .badPath(path.text, reason: "is neither a file nor a directory")
        }
    }

    private static func check(_ entry: DirectoryEntry, _ path: String) throws(StoreError) {
        guard entry.isUTF8 else {
            throw .badPath(path, reason: "has a name that is not UTF-8; give it another one")
        }
        guard entry.kind != .other else {
            throw .badPath(
                path, reason: "is a socket, a FIFO or a device; a checkpoint holds regular files")
        }
    }

    private static func look<Result>(
        _ path: String, _ body: (String) throws(SystemError) -> Result
    ) throws(StoreError) -> Result {
        do throws(SystemError) {
            return try body(path)
        } catch {
            if error.isTooLongAPath {
                throw .badPath(path, reason: "is too long a path for this system")
            }
            throw StoreError(reading: error)
        }
    }
}

/// Where links lead, by the rules of path resolution but without the disk: what counts is that a
/// link leads to something in the payload wherever that is moved.
extension Payload {
    /// The first link that leads to nothing in the payload.
    func linkThatLeaves(_ top: FilePath, absent: [FilePath] = []) -> Manifest.Link? {
        if links.isEmpty { return nil }
        let targets = Dictionary(
            links.map { ($0.path, $0.target) }, uniquingKeysWith: { first, _ in first })
        let places = Set(files.map(\.path) + directories + absent)
        return links.first { !leadsInside($0, top: top, targets: targets, places: places) }
    }

    private func leadsInside(
        _ link: Manifest.Link, top: FilePath, targets: [FilePath: FilePath], places: Set<FilePath>
    ) -> Bool {
        var here = link.path.parent
        var rest = link.target.components
        // As many links as Linux follows in one path.
        var followed = 0
        if link.target.isAbsolute { return false }
        while !rest.isEmpty {
            let next = rest.removeFirst()
            if next == "." { continue }
            if next == ".." {
                guard here != top else { return false }
                here = here.parent
                continue
            }
            let path = here.appending(next.text)
            guard let target = targets[path] else {
                guard places.contains(path) else { return false }
                here = path
                continue
            }
            followed += 1
            if target.isAbsolute || followed > 40 { return false }
            rest = target.components + rest
        }
        return true
    }
}
