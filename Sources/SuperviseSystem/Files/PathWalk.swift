import CLinux
import Glibc

/// All that a path leads through, from the root on, with symbolic links followed one by one.
package struct PathWalk: Equatable, Sendable {
    /// A directory, a link or a file on the way.
    package struct Step: Equatable, Sendable {
        /// Without links.
        package var path: String
        package var kind: FileKind
        package var user: UInt32
        package var group: UInt32
        /// The permissions, such as 0o755.
        package var mode: UInt32
    }

    /// The last one is what the path leads to, or the lowest directory that is there.
    package private(set) var steps: [Step] = []

    /// Each name is looked at in the directory that the one before it led to, held open.
    ///
    /// - Parameter path: absolute; what is not there ends the walk.
    /// - Throws: ELOOP, EACCES, ENOTDIR, …
    package static func look(_ path: String) throws(SystemError) -> PathWalk {
        var walk = PathWalk()
        var names = Self.names(in: path)
        var here = ""
        var directory = try openRoot()
        walk.add("/", try attributes(directory.rawValue, path))
        var links = 0
        while let name = names.popLast() {
            let holder = directory.rawValue
            let isUp = name == ".."
            let place = isUp ? above(here) : "\(here)/\(name)"
            let next: FileDescriptor
            do throws(SystemError) {
                next = FileDescriptor(
                    adopting: try systemCall("open", place) {
                        openat(holder, name, CL_O_PATH | O_NOFOLLOW | O_CLOEXEC)
                    })
            } catch {
                if error.isMissing { return walk }
                throw error
            }
            let found = try attributes(next.rawValue, place)
            if !isUp { walk.add(place, found) }
            guard found.st_mode & S_IFMT == S_IFLNK else {
                here = place
                directory = next
                continue
            }
            links += 1
            guard links <= 40 else { throw SystemError(call: "open", code: ELOOP, subject: path) }
            let target = try self.target(of: next.rawValue, place)
            names += Self.names(in: target)
            if target.utf8.first == UInt8(ascii: "/") {
                here = ""
                directory = try openRoot()
            }
        }
        return walk
    }

    private mutating func add(_ path: String, _ found: stat) {
        steps.append(
            Step(
                path: path, kind: FileKind(mode: found.st_mode), user: found.st_uid,
                group: found.st_gid, mode: UInt32(found.st_mode & 0o7777)))
    }

    /// The last first.
    private static func names(in path: String) -> [String] {
        path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
            .filter { $0 != "." }.reversed()
    }

    /// "" for the root.
    private static func above(_ path: String) -> String {
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) ?? path.startIndex
        return String(path[..<slash])
    }

    private static func openRoot() throws(SystemError) -> FileDescriptor {
        FileDescriptor(
            adopting: try systemCall("open", "/") {
                open("/", CL_O_PATH | O_DIRECTORY | O_CLOEXEC)
            })
    }

    private static func attributes(_ file: Int32, _ path: String) throws(SystemError) -> stat {
        var found = stat()
        try systemCall("fstat", path) { fstat(file, &found) }
        return found
    }

    private static func target(of link: Int32, _ path: String) throws(SystemError) -> String {
        var bytes = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let count = try systemCall("readlink", path) { readlinkat(link, "", &bytes, Int(PATH_MAX)) }
        return String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
