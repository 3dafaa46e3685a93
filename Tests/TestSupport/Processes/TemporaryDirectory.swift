import Glibc
import SuperviseSystem

/// A directory of its own for one test, removed with it.
package final class TemporaryDirectory {
    /// Absolute, and short: a socket's path must fit below it.
    package let path: String

    package init() throws {
        var template = Array("/tmp/sv-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
        }
        guard let made else {
            throw SystemError(call: "mkdtemp", code: errno, subject: "/tmp")
        }
        path = made
    }

    deinit {
        try? Disk().removeTree(path)
    }

    /// Writes a file, and sets its permissions.
    @discardableResult
    package func write(_ name: String, _ content: String, mode: mode_t = 0o600) throws -> String {
        let file = "\(path)/\(name)"
        _ = try? Disk().removeFile(file)
        try Disk().writeFile(file, Array(content.utf8))
        // Which is something that happens to the file after its content.
        if mode != 0o600 { try systemCall("chmod", file) { chmod(file, mode) } }
        return file
    }

    package func makeDirectory(_ name: String) throws -> String {
        let directory = "\(path)/\(name)"
        try Disk().makeDirectory(directory)
        return directory
    }

    /// The whole of a file.
    package func read(_ name: String) throws -> String {
        String(
            decoding: try Disk().readFile("\(path)/\(name)", limit: 64 << 20), as: UTF8.self)
    }
}

/// Where the directory of the binary of the tests is: what is built stands beside it.
package func buildDirectory() throws -> String {
    let binary = try Disk().readLink("/proc/self/exe")
    guard let slash = binary.lastIndex(of: "/") else {
        throw TestFailure("\(binary) is no absolute path")
    }
    return String(binary[..<slash])
}
