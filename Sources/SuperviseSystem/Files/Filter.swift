import CLinux
import Glibc

/// A program that makes other bytes of a file's, from its standard input to its standard output.
package struct Filter: Sendable {
    /// Such as `zstd`, looked for in PATH.
    package var program: String
    package var arguments: [String]
    /// It brings back what another one has made: zeros become holes again.
    package var isRestoring: Bool
    package var tools: Tools

    package init(program: String, arguments: [String], isRestoring: Bool, tools: Tools) {
        self.program = program
        self.arguments = arguments
        self.isRestoring = isRestoring
        self.tools = tools
    }
}

/// What came out of a ``Filter``.
package struct FilteredFile: Equatable, Sendable {
    /// Of all that came out.
    package var digest: Digest
    /// In bytes.
    package var size: Int64
    /// How the program ended; nil where it was ended as it gave too much.
    package var status: ExitStatus?

    package init(digest: Digest, size: Int64, status: ExitStatus?) {
        self.digest = digest
        self.size = size
        self.status = status
    }
}

extension Disk {
    package func filterFile(
        _ path: String, through filter: Filter, to copy: String?, mode: UInt32, limit: Int64?,
        goOn: (Int) -> Bool
    ) throws(SystemError) -> FilteredFile {
        try withRegularFile(path) { (source, _) throws(SystemError) in
            guard let copy else {
                return try run(filter, source, path, to: nil, limit, goOn)
            }
            let flags = O_WRONLY | O_CREAT | O_EXCL
            return try withOpenFile(copy, flags) { (target) throws(SystemError) in
                let result = try run(filter, source, path, to: (target, copy), limit, goOn)
                // What ends in a hole has not been written to its end.
                try systemCall("ftruncate", copy) { ftruncate(target, off_t(result.size)) }
                try systemCall("fchmod", copy) { fchmod(target, mode_t(mode & 0o777 | 0o600)) }
                return result
            }
        }
    }

    private func run(
        _ filter: Filter, _ source: Int32, _ path: String, to target: (Int32, String)?,
        _ limit: Int64?, _ goOn: (Int) -> Bool
    ) throws(SystemError) -> FilteredFile {
        guard let program = pathOfProgram(filter.program) else {
            throw SystemError(call: "execve", code: ENOENT, subject: filter.program)
        }
        let pipe = try FileDescriptor.pipe()
        let output = pipe.read
        let tool = try Self.start(program, filter, source, pipe.write)
        // Fewer changes between the two of us; where it is refused, the usual size does.
        _ = cl_widen_pipe(output.rawValue, 1 << 20)
        do throws(SystemError) {
            var result = try Self.drain(
                output.rawValue, path, to: target, makesHoles: filter.isRestoring, limit, goOn)
            if let limit, result.size > limit {
                tool.kill()
                _ = try tool.waitForEnd()
            } else {
                result.status = try tool.waitForEnd()
            }
            return result
        } catch {
            tool.kill()
            _ = try? tool.waitForEnd()
            throw error
        }
    }

    /// Our own copy of its end of the pipe is closed here: else there would be no end of it.
    private static func start(
        _ program: String, _ filter: Filter, _ source: Int32, _ output: consuming FileDescriptor
    ) throws(SystemError) -> Tool {
        let path = environmentVariable("PATH").map { ["PATH=\($0)"] } ?? []
        return try filter.tools.start(
            SpawnRequest(
                command: [program] + filter.arguments, environment: path,
                standardInput: .descriptor(source),
                standardOutput: .descriptor(output.rawValue), standardError: .null))
    }

    /// Reads until the end, or until more than `limit` bytes have come.
    private static func drain(
        _ output: Int32, _ path: String, to target: (Int32, String)?, makesHoles: Bool,
        _ limit: Int64?, _ goOn: (Int) -> Bool
    ) throws(SystemError) -> FilteredFile {
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { piece.deallocate() }
        var hash = SHA256()
        var size: Int64 = 0
        while true {
            let count = try systemCall("read", path) {
                Glibc.read(output, piece.baseAddress, piece.count)
            }
            if count == 0 { break }
            let bytes = UnsafeRawBufferPointer(rebasing: piece[..<count])
            hash.update(bytes)
            size += Int64(count)
            if let limit, size > limit { break }
            if let (file, copy) = target { try put(bytes, file, copy, makesHoles: makesHoles) }
            guard goOn(count) else {
                throw SystemError(call: "read", code: ECANCELED, subject: path)
            }
        }
        return FilteredFile(digest: hash.finish(), size: size, status: nil)
    }

    private static func put(
        _ bytes: UnsafeRawBufferPointer, _ file: Int32, _ copy: String, makesHoles: Bool
    ) throws(SystemError) {
        guard let base = bytes.baseAddress else { return }
        if makesHoles, bytes.count >= 4096, bytes[0] == 0,
            memcmp(base, base + 1, bytes.count - 1) == 0
        {
            try systemCall("lseek", copy) { lseek(file, off_t(bytes.count), SEEK_CUR) }
            return
        }
        var done = 0
        while done < bytes.count {
            done += try systemCall("write", copy) {
                Glibc.write(file, base + done, bytes.count - done)
            }
        }
    }
}
