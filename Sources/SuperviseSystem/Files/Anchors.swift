import CLinux
import Glibc

/// Directories that are held open: paths below them are followed from there, through no symbolic link.
///
/// So nobody who may rename what is above them, or put a link below them, leads us elsewhere.
package final class Anchors: Sendable {
    private struct Anchor {
        let path: String
        let directory: Int32
    }

    private let all: [Anchor]
    private let usesOpenat2: Bool

    /// Opens the directories.
    ///
    /// - Parameters:
    ///   - paths: absolute; links in them are followed, this once.
    ///   - allThere: throws where one is missing; else that one is passed over.
    ///   - usesOpenat2: where the kernel has it; false follows each name by itself.
    /// - Throws: EMFILE, ENOTDIR, …
    package init(
        _ paths: [String], allThere: Bool = false, usesOpenat2: Bool = true
    ) throws(SystemError) {
        self.usesOpenat2 = usesOpenat2
        var opened: [Anchor] = []
        do throws(SystemError) {
            for path in paths where !opened.contains(where: { $0.path == path }) {
                do throws(SystemError) {
                    let flags = CL_O_PATH | O_DIRECTORY | O_CLOEXEC
                    let directory = try systemCall("open", path) { Glibc.open(path, flags) }
                    opened.append(Anchor(path: path, directory: directory))
                } catch {
                    guard error.isMissing, !allThere else { throw error }
                }
            }
        } catch {
            for anchor in opened { _ = close(anchor.directory) }
            throw error
        }
        // The lowest first: what is below two of them is followed from the nearer one.
        all = opened.sorted { $0.path.utf8.count > $1.path.utf8.count }
    }

    deinit {
        for anchor in all { _ = close(anchor.directory) }
    }

    /// As open(2), of what ``find(_:)`` gives.
    func open(_ place: (directory: Int32, path: String), _ flags: Int32, _ mode: mode_t) -> Int32 {
        usesOpenat2
            ? cl_open_below(place.directory, place.path, flags, mode)
            : cl_open_below_by_names(place.directory, place.path, flags, mode)
    }

    /// The directory to follow a path from, and what is left of it; nil where it is below none.
    func find(_ path: String) -> (directory: Int32, path: String)? {
        for anchor in all {
            let (bytes, start) = (path.utf8, anchor.path.utf8)
            guard bytes.starts(with: start) else { continue }
            let rest = bytes.dropFirst(start.count)
            guard let first = rest.first else { return (anchor.directory, ".") }
            guard first == UInt8(ascii: "/") else { continue }
            let name = rest.drop { $0 == UInt8(ascii: "/") }
            return (anchor.directory, name.isEmpty ? "." : String(Substring(name)))
        }
        return nil
    }
}

/// Opens a path: from one of the anchors where it is below one, else by its name.
///
/// - Parameter flags: with O_CLOEXEC.
func openDescriptor(
    _ path: String, _ flags: Int32, _ anchors: Anchors?
) throws(SystemError) -> Int32 {
    guard let anchors, let place = anchors.find(path) else {
        return try systemCall("open", path) { open(path, flags, 0o600) }
    }
    return try systemCall("open", path) { anchors.open(place, flags, 0o600) }
}

/// Lends the directory that a name is in, for a call that ends in `at`, and the name in it.
@discardableResult
func withParent<Result>(
    of path: String, _ anchors: Anchors?,
    _ body: (_ directory: Int32, _ name: String) throws(SystemError) -> Result
) throws(SystemError) -> Result {
    guard let anchors, let place = anchors.find(path), place.path != "." else {
        return try body(AT_FDCWD, path)
    }
    let below = place.path
    guard let slash = below.utf8.lastIndex(of: UInt8(ascii: "/")) else {
        return try body(place.directory, below)
    }
    let name = String(below[below.utf8.index(after: slash)...])
    let above = (place.directory, String(below[..<slash]))
    let flags = CL_O_PATH | O_DIRECTORY | O_CLOEXEC
    let parent = try systemCall("open", path) { anchors.open(above, flags, 0) }
    defer { _ = close(parent) }
    return try body(parent, name)
}
