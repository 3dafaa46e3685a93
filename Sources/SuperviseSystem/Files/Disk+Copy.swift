import CLinux
import Glibc

/// So much at a time, so that a cancellation is seen soon.
private let pieceSize: Int64 = 16 << 20

extension Disk {
    package func copyFile(
        _ path: String, to copy: String, mode: UInt32?, goOn: (Int) -> Bool
    ) throws(SystemError) {
        try withRegularFile(path, O_RDONLY, anchors) { (source, status) throws(SystemError) in
            let flags = O_WRONLY | O_CREAT | O_EXCL
            try withOpenFile(copy, flags, anchors) { (target) throws(SystemError) in
                if try !clone(source, to: target, copy) {
                    var copying = Copying(
                        source: source, path: path, target: target, copy: copy)
                    try copying.copyAll(size: status.size, goOn)
                }
                let mode = mode.map { $0 & 0o777 | 0o400 } ?? status.mode & 0o700 | 0o600
                try systemCall("fchmod", copy) { fchmod(target, mode_t(mode)) }
            }
        }
    }

    /// - Returns: false where the file system cannot, or these are two.
    private func clone(
        _ source: Int32, to target: Int32, _ copy: String
    ) throws(SystemError) -> Bool {
        do throws(SystemError) {
            try systemCall("ioctl", copy) { cl_clone_file(source, target) }
            return true
        } catch {
            let cannot = [EXDEV, EINVAL, EOPNOTSUPP, ENOTTY, ENOSYS, EPERM, EACCES, ETXTBSY]
            guard cannot.contains(error.code) else { throw error }
            return false
        }
    }
}

/// A copy piece by piece, of the pieces that hold something.
private struct Copying {
    let source: Int32
    let path: String
    let target: Int32
    let copy: String
    private var withinKernel = true

    init(source: Int32, path: String, target: Int32, copy: String) {
        self.source = source
        self.path = path
        self.target = target
        self.copy = copy
    }

    mutating func copyAll(size: Int64, _ goOn: (Int) -> Bool) throws(SystemError) {
        // Files that say that they are empty, as those in /proc, have no holes to look for.
        if size == 0 { return try copyUnsized(goOn) }
        var position: Int64 = 0
        while position < size, let content = try nextContent(position, size) {
            try seek(content.lowerBound)
            position = try copyContent(content, goOn)
            // It has become shorter; whoever looks at it afterwards sees that it has changed.
            if position < content.upperBound { break }
        }
        // What follows is a hole.
        if position < size { try systemCall("ftruncate", copy) { ftruncate(target, off_t(size)) } }
    }

    /// The next part of the file that is no hole; nil where there is only a hole left.
    private func nextContent(
        _ position: Int64, _ size: Int64
    ) throws(SystemError) -> Range<Int64>? {
        do throws(SystemError) {
            let begin = try systemCall("lseek", path) { cl_next_content(source, off_t(position)) }
            let end = try systemCall("lseek", path) { cl_next_hole(source, begin) }
            return begin < size ? Int64(begin)..<min(size, Int64(end)) : nil
        } catch {
            switch error.code {
            case ENXIO: return nil
            // A file system that knows of no holes.
            case EINVAL, EOPNOTSUPP: return position..<size
            default: throw error
            }
        }
    }

    private func seek(_ position: Int64) throws(SystemError) {
        try systemCall("lseek", path) { lseek(source, off_t(position), SEEK_SET) }
        try systemCall("lseek", copy) { lseek(target, off_t(position), SEEK_SET) }
    }

    /// - Returns: how far it came.
    private mutating func copyContent(
        _ content: Range<Int64>, _ goOn: (Int) -> Bool
    ) throws(SystemError) -> Int64 {
        var position = content.lowerBound
        while position < content.upperBound {
            let count = try copyPiece(Int(min(pieceSize, content.upperBound - position)))
            if count == 0 { break }
            position += Int64(count)
            try check(goOn(count))
        }
        return position
    }

    private func copyUnsized(_ goOn: (Int) -> Bool) throws(SystemError) {
        var count = 0
        repeat {
            count = try readAndWrite(Int(pieceSize))
            try check(goOn(count))
        } while count > 0
    }

    private func check(_ goesOn: Bool) throws(SystemError) {
        if !goesOn { throw SystemError(call: "write", code: ECANCELED, subject: copy) }
    }

    /// At both positions, which move on. 0 is the end of the file.
    private mutating func copyPiece(_ most: Int) throws(SystemError) -> Int {
        if withinKernel {
            do throws(SystemError) {
                let count = try systemCall("copy_file_range", copy) {
                    cl_copy_range(source, target, most)
                }
                if count > 0 { return count }
            } catch {
                // Other file systems, or ones that cannot: the positions are where they were.
                let cannot = [EXDEV, EINVAL, EOPNOTSUPP, ENOSYS, EPERM]
                guard cannot.contains(error.code) else { throw error }
            }
            withinKernel = false
        }
        return try readAndWrite(most)
    }

    private func readAndWrite(_ most: Int) throws(SystemError) -> Int {
        var piece = [UInt8](repeating: 0, count: min(most, 1 << 20))
        let count = try systemCall("read", path) { Glibc.read(source, &piece, piece.count) }
        piece.removeLast(piece.count - count)
        try writeAll(piece[...], to: target, subject: copy)
        return count
    }
}
