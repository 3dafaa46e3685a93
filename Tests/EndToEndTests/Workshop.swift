import Glibc
import SuperviseSystem
import Testing

/// A directory for the scripts of one test: with `supervise` on its PATH, a home of its own and the
/// examples in it. It is removed with this object.
final class Workshop {
    let path: String

    init() throws {
        var template = Array("/tmp/supervise-docs-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
        }
        path = try #require(made)
        let build = try Self.buildDirectory()
        try write("prepare", Self.prepare)
        let outcome = try bash(["prepare", "\(build)/supervise", repository])
        try #require(outcome.status == 0, "\(outcome.output)")
    }

    deinit {
        _ = try? Self.wait(["rm", "-rf", path])
    }

    /// jq, as far as the documents use it, where the machine has none.
    private static let prepare = """
        mkdir bin runtime
        ln -s "$1" bin/supervise
        ln -s "$2/examples" examples
        command -v jq > jq-is-there || {
            printf '%s\\n' '#!/usr/bin/env python3' 'import json, sys' \\
                'print(json.load(sys.stdin)[sys.argv[1][1:]])' > bin/jq
            chmod +x bin/jq
        }

        """

    func write(_ name: String, _ text: String) throws {
        try Disk().writeFile("\(path)/\(name)", Array(text.utf8))
    }

    /// Runs a script as a person's shell would, but stops at the first command that fails.
    ///
    /// - Returns: what it wrote to its output and its errors.
    func run(_ script: String) throws -> (status: Int32, output: String) {
        // Whatever it has left in the background ends with it.
        let end = "trap 'kill -KILL $(jobs -p) 2> kill || :; wait' EXIT\n"
        try write("script", end + script)
        return try bash(["script"])
    }

    private func bash(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let bash = ["bash", "-euo", "pipefail"] + arguments
        let variables = [
            "PATH=\(path)/bin:\(environmentVariable("PATH") ?? "/usr/bin:/bin")",
            "HOME=\(path)", "XDG_RUNTIME_DIR=\(path)/runtime", "LANG=C.UTF-8",
            "PYTHONPATH=\(path)/examples", "PYTHONDONTWRITEBYTECODE=1",
        ]
        try Disk().writeFile("\(path)/output", [])
        let output = try systemCall("open") {
            open("\(path)/output", O_WRONLY | O_APPEND | O_CLOEXEC)
        }
        defer { close(output) }
        let status = try Self.wait(
            // All that a script has started is in timeout's process group.
            ["timeout", "--kill-after=5", "300"] + bash, environment: variables,
            directory: path, output: output)
        return (status, try readSmallFile("\(path)/output"))
    }

    private static func wait(
        _ command: [String], environment: [String] = ["PATH=/usr/bin:/bin"],
        directory: String? = nil, output: Int32? = nil
    ) throws -> Int32 {
        let stream: SpawnRequest.Stream = output.map { .descriptor($0) } ?? .null
        let child = try spawn(
            SpawnRequest(
                command: command, environment: environment, directory: directory,
                standardInput: .null, standardOutput: stream, standardError: stream))
        _ = try child.process.waitForEnd(atMost: nil)
        var raw: Int32 = 0
        try systemCall("waitpid") { waitpid(child.pid, &raw, 0) }
        return raw & 0x7f == 0 ? (raw >> 8) & 0xff : 128 + (raw & 0x7f)
    }

    /// Where the build has put this test's binary, and `supervise` beside it.
    private static func buildDirectory() throws -> String {
        let binary = try Disk().readLink("/proc/self/exe")
        return String(binary[..<(try #require(binary.lastIndex(of: "/")))])
    }
}
