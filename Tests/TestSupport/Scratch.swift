import Glibc
import SuperviseSystem

/// A directory of its own for one test, removed with it.
package final class Scratch: Sendable {
    package let path: String

    /// - Parameter parent: may be on another file system.
    package init(in parent: String = "/tmp") throws(SystemError) {
        var template = Array("\(parent)/supervise-scratch-XXXXXX".utf8CString)
        try systemCall("mkdtemp") { mkdtemp(&template) == nil ? -1 : 0 }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        // A test that fails half way may leave what cannot be removed.
        try? Disk().removeTree(path)
    }
}

/// A shell command whose output is read here.
package final class ShellCommand {
    private let stream: UnsafeMutablePointer<FILE>
    private var status: Int32?

    package init(_ command: String) throws(SystemError) {
        guard let stream = popen(command, "re") else {
            throw SystemError(call: "popen", code: errno, subject: command)
        }
        self.stream = stream
    }

    deinit {
        if status == nil { pclose(stream) }
    }

    /// The next line with its newline; nil at the end.
    package func readLine() -> String? {
        var line: UnsafeMutablePointer<CChar>?
        var size = 0
        defer { free(line) }
        guard getline(&line, &size, stream) >= 0, let line else { return nil }
        return String(cString: line)
    }

    /// Waits for its end.
    ///
    /// - Returns: the exit status as a shell has it.
    package func finish() -> Int32 {
        while readLine() != nil {}
        let ended = pclose(stream)
        let code = (ended >> 8) & 0xff
        status = ended & 0x7f == 0 ? code : 128 + (ended & 0x7f)
        return status ?? code
    }
}
