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
        // Before a copy is begun: where there is no such program, nothing is touched.
        guard let program = pathOfProgram(filter.program) else {
            throw SystemError(call: "execve", code: ENOENT, subject: filter.program)
        }
        return try withRegularFile(path, O_RDONLY, anchors) { (source, _) throws(SystemError) in
            guard let copy else {
                return try run(program, filter, source, path, to: nil, limit, goOn)
            }
            let flags = O_WRONLY | O_CREAT | O_EXCL
            return try withOpenFile(copy, flags, anchors) { (target) throws(SystemError) in
                let result = try run(
                    program, filter, source, path, to: (target, copy), limit, goOn)
                // What ends in a hole has not been written to its end.
                try systemCall("ftruncate", copy) { ftruncate(target, off_t(result.size)) }
                try systemCall("fchmod", copy) { fchmod(target, mode_t(mode & 0o777 | 0o400)) }
                return result
            }
        }
    }

    private func run(
        _ program: String, _ filter: Filter, _ source: Int32, _ path: String,
        to target: (Int32, String)?, _ limit: Int64?, _ goOn: (Int) -> Bool
    ) throws(SystemError) -> FilteredFile {
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
                directory: HelperPlace.directory, standardInput: .descriptor(source),
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

    /// So many zeros in a row become a hole.
    private static let hole = 64 << 10

    private static func put(
        _ bytes: UnsafeRawBufferPointer, _ file: Int32, _ copy: String, makesHoles: Bool
    ) throws(SystemError) {
        guard makesHoles else { return try writeAll(bytes, to: file, subject: copy) }
        for start in stride(from: 0, to: bytes.count, by: hole) {
            let end = min(start + hole, bytes.count)
            let part = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            if isZero(part) {
                try systemCall("lseek", copy) { lseek(file, off_t(part.count), SEEK_CUR) }
            } else {
                try writeAll(part, to: file, subject: copy)
            }
        }
    }

    /// Every byte is equal to the one before it, and the first is zero.
    private static func isZero(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress, bytes.count >= 4096, bytes[0] == 0 else { return false }
        return memcmp(base, base + 1, bytes.count - 1) == 0
    }
}
