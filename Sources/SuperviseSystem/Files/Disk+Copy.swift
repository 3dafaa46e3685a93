import CLinux
import Glibc

/// So much at a time, so that a cancellation is seen soon.
private let pieceSize = 16 << 20

extension Disk {
    package func copyFile(
        _ path: String, to copy: String, goOn: (Int) -> Bool
    ) throws(SystemError) {
        try withRegularFile(path) { (source, status) throws(SystemError) in
            let flags = O_WRONLY | O_CREAT | O_EXCL
            try withOpenFile(copy, flags) { (target) throws(SystemError) in
                try copyAll(from: source, path, status.size, to: target, copy, goOn)
                let mode = mode_t(status.mode & 0o700 | 0o600)
                try systemCall("fchmod", copy) { fchmod(target, mode) }
            }
        }
    }

    private func copyAll(
        from source: Int32, _ path: String, _ size: Int64, to target: Int32, _ copy: String,
        _ goOn: (Int) -> Bool
    ) throws(SystemError) {
        var withinKernel = true
        var copied: Int64 = 0
        // A file that grows faster than it is copied has no end.
        while copied <= size {
            let count: Int
            do throws(SystemError) {
                count =
                    withinKernel
                    ? try systemCall("copy_file_range", copy) {
                        cl_copy_range(source, target, pieceSize)
                    }
                    : try copyPiece(from: source, path, to: target, copy)
            } catch {
                // Other file systems, or ones that cannot: the positions are where they were.
                let cannot = [EXDEV, EINVAL, EOPNOTSUPP, ENOSYS, EPERM]
                guard withinKernel, cannot.contains(error.code) else { throw error }
                withinKernel = false
                continue
            }
            if count == 0 {
                // Files that say that they are empty, as those in /proc, are not copied in the kernel.
                guard withinKernel else { return }
                withinKernel = false
                continue
            }
            copied += Int64(count)
            guard goOn(count) else {
                throw SystemError(call: "write", code: ECANCELED, subject: copy)
            }
        }
    }

    private func copyPiece(
        from source: Int32, _ path: String, to target: Int32, _ copy: String
    ) throws(SystemError) -> Int {
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        let count = try systemCall("read", path) { Glibc.read(source, &piece, piece.count) }
        piece.removeLast(piece.count - count)
        try writeAll(piece, descriptor: target, path: copy)
        return count
    }
}
