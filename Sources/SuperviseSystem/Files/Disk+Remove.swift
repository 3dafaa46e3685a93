import CLinux
import Glibc

/// Removal at any depth with two descriptors and no recursion: a directory that is found in another
/// is moved up into the one that is being emptied, and its turn comes in the next pass. So a tree
/// that is deeper than the longest path, or than our stack, is no different from any other. No path
/// is ever walked through what is being removed, so no link can lead us out of it.
extension Disk {
    package func removeTree(_ path: String) throws(SystemError) {
        do throws(SystemError) {
            guard try status(path).kind == .directory else { return try removeFile(path) }
            try removeContents(of: path)
            try removeDirectory(path)
        } catch {
            if error.code != ENOENT { throw error }
        }
    }

    private func removeContents(of directory: String) throws(SystemError) {
        let root = try withParent(of: directory, anchors) { (above, name) throws(SystemError) in
            try openForEmptying(name, in: above, shown: directory)
        }
        defer { _ = close(root) }
        var removal = Removal(root: root, path: directory)
        var madeProgress = true
        while madeProgress {
            removal.firstError = nil
            madeProgress = false
            for name in try names(in: root, directory) where removal.remove(name) {
                madeProgress = true
            }
        }
        if let error = removal.firstError { throw error }
    }

    /// Opened anew for each pass: a listing begins where the last one of its descriptor ended.
    private func names(in root: Int32, _ path: String) throws(SystemError) -> [[CChar]] {
        var names: [[CChar]] = []
        let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC
        let listing = try systemCall("open", path) { openat(root, ".", flags) }
        try forEachName(closing: listing, path) { (name) throws(SystemError) in
            names.append(name)
        }
        return names
    }
}

/// Opens a directory that is to go, with the right to change it.
private func openForEmptying(
    _ name: UnsafePointer<CChar>, in directory: Int32, shown path: @autoclosure () -> String
) throws(SystemError) -> Int32 {
    giveRights(name, in: directory)
    return try systemCall("open", path()) { openat(directory, name, readingDirectory) }
}

private let readingDirectory = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW

/// Makes a directory ours to read, write and pass through, where it is one: a job may have taken its own
/// right to write away, and removing needs all three.
///
/// A descriptor is given the rights, never the name: a job may give that to another file meanwhile.
private func giveRights(_ name: UnsafePointer<CChar>, in directory: Int32) {
    let opened = openat(directory, name, readingDirectory)
    if opened >= 0 {
        _ = fchmod(opened, 0o700)
        _ = close(opened)
        return
    }
    let place = openat(directory, name, CL_O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
    guard place >= 0 else { return }
    // A descriptor that was opened with O_PATH changes its mode only through this name.
    _ = chmod("/proc/self/fd/\(place)", 0o700)
    _ = close(place)
}

private struct Removal {
    /// The directory that is being emptied.
    let root: Int32
    let path: String
    /// Of the present pass.
    var firstError: SystemError?
    private var moved = 0

    init(root: Int32, path: String) {
        self.root = root
        self.path = path
    }

    /// Removes one entry of the root, after its subdirectories have been moved up.
    ///
    /// - Returns: whether anything has changed.
    mutating func remove(_ name: [CChar]) -> Bool {
        do throws(SystemError) {
            if try removeFile(name, in: root) { return true }
            let changed = try emptyDirectory(name)
            do throws(SystemError) {
                try systemCall("rmdir", shown(name)) { unlinkat(root, name, AT_REMOVEDIR) }
                return true
            } catch {
                if error.code == ENOENT { return true }
                note(error)
                return changed
            }
        } catch {
            note(error)
            return false
        }
    }

    /// - Returns: false where it is a directory.
    private func removeFile(_ name: [CChar], in directory: Int32) throws(SystemError) -> Bool {
        do throws(SystemError) {
            try systemCall("unlink", shown(name)) { unlinkat(directory, name, 0) }
        } catch {
            switch error.code {
            case ENOENT: return true
            case EISDIR: return false
            default: throw error
            }
        }
        return true
    }

    /// - Returns: whether anything has changed.
    private mutating func emptyDirectory(_ name: [CChar]) throws(SystemError) -> Bool {
        let directory = try openForEmptying(name, in: root, shown: shown(name))
        var names: [[CChar]] = []
        let copy = try duplicate(directory)
        defer { _ = close(copy) }
        try forEachName(closing: directory, shown(name)) { (child) throws(SystemError) in
            names.append(child)
        }
        var changed = false
        for child in names {
            do throws(SystemError) {
                if try !removeFile(child, in: copy) { try moveUp(child, from: copy) }
                changed = true
            } catch {
                note(error)
            }
        }
        return changed
    }

    private func duplicate(_ directory: Int32) throws(SystemError) -> Int32 {
        do throws(SystemError) {
            return try systemCall("dup", path) { fcntl(directory, F_DUPFD_CLOEXEC, 3) }
        } catch {
            _ = close(directory)
            throw error
        }
    }

    private mutating func moveUp(_ child: [CChar], from directory: Int32) throws(SystemError) {
        // Whoever moves a directory must be allowed to write to it: its `..` changes.
        giveRights(child, in: directory)
        while true {
            moved += 1
            let name = ".\(moved)"
            do throws(SystemError) {
                try systemCall("rename", shown(child)) { renameat(directory, child, root, name) }
                return
            } catch {
                switch error.code {
                case ENOENT: return
                case ENOTEMPTY, EEXIST, ENOTDIR: continue
                default: throw error
                }
            }
        }
    }

    private mutating func note(_ error: SystemError) {
        if firstError == nil { firstError = error }
    }

    private func shown(_ name: [CChar]) -> String {
        path + "/" + String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
