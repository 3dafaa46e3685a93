import CLinux
import Glibc

/// Whether somebody has a regular file open for writing.
///
/// - Returns: nil where that cannot be known: on some network file systems, and for another user's
///   file.
/// - Throws: ENOENT, EACCES, EINVAL where it is no regular file, …
package func isOpenForWriting(_ path: String) throws(SystemError) -> Bool? {
    try withRegularFile(path) { (file, _) throws(SystemError) in
        switch cl_has_writers(file) {
        case 0: false
        case 1: true
        default: nil
        }
    }
}
