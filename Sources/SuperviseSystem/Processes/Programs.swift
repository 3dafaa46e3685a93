import CLinux
import Glibc

/// Where a program is that would be found in PATH. Relative directories in it are passed over: what they
/// mean depends on where it is asked.
///
/// - Parameters:
///   - path: PATH; where it is nil, the C library's own.
///   - isProgram: says whether there is a program at a path; tests give their own.
/// - Returns: nil where it is not there, or not executable by us.
package func pathOfProgram(
    _ name: String, in path: String? = environmentVariable("PATH"),
    isProgram: (String) -> Bool = isProgram
) -> String? {
    let directories = (path ?? "/bin:/usr/bin").utf8
        .split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    let candidates = directories.filter { $0.first == UInt8(ascii: "/") }
        .map { "\(Substring($0))/\(name)" }
    return candidates.first(where: isProgram)
}

/// Whether there is a file at a path that we may execute.
package func isProgram(_ path: String) -> Bool {
    var found = stat()
    return stat(path, &found) == 0 && found.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
}
