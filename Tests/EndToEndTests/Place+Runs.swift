import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Runs that tests begin with.
extension Place {
    /// A puppet's run that was stopped after these steps were saved.
    ///
    /// - Returns: the checkpoints' ids.
    @discardableResult
    func stoppedRun(_ options: [String] = [], saving steps: [Int64]) throws -> [String] {
        let program = try puppet(options)
        try program.hello(accepts: false)
        let ids = try steps.map { step in
            let files = ["state": "state of step \(step)", "more": "\(step)"]
            return try program.checkpoint(step: step, files: files).id.description
        }
        try stop(program)
        return ids
    }

    /// Stops a puppet's run by SIGTERM.
    func stop(_ program: Program) throws {
        try program.signal(15)
        try program.line(starting: "signal SIGTERM")
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(15))
    }

    /// Stops a puppet's run without a final checkpoint.
    func stopByControl(_ program: Program) throws {
        try connect().send(line: #"{"type":"control","command":"stop","checkpoint":false}"#)
        try program.line(starting: "signal SIGTERM")
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(15))
    }

    /// Changes a byte of a file and nothing else that a directory shows.
    func rot(_ file: String) throws {
        var bytes = try Disk().readFile(file, limit: 64 << 20)
        bytes[bytes.count / 2] ^= 1
        let line =
            "touch -r \"$1\" \"$1.time\"; cat > \"$1\"; touch -r \"$1.time\" \"$1\"; rm \"$1.time\""
        let program = try start(["sh", "-c", line, "sh", file], hasInput: true)
        try program.say(String(decoding: bytes, as: UTF8.self))
        program.closeInput()
        #expect(try program.waitForEnd() == .exited(0))
    }

    /// The letter of /proc: R, S, T, Z and others.
    func processState(_ pid: String) throws -> String {
        let text = try readSmallFile("/proc/\(pid)/stat")
        let rest = text[(text.lastIndex(of: ")") ?? text.startIndex)...]
        return String(rest.dropFirst(2).prefix(1))
    }

    /// Makes a checkpoint so large that nobody ever verifies it: by a hole of a terabyte.
    func makeEndless(_ id: String) throws {
        let line = """
            cd "$1" && truncate -s 1T data/state
            sed -i 's|"bytes":[0-9]*\\(,"path":"data/state"\\)|"bytes":1099511627776\\1|' \
                manifest.json
            grep -q 1099511627776 manifest.json || exit 1
            sed -i "s/^[0-9a-f]*  manifest.json/$(sha256sum manifest.json)/" SHA256SUMS
            """
        let program = try start(["sh", "-c", line, "sh", file("checkpoints/\(id)")])
        guard try program.waitForEnd() == .exited(0) else { throw program.failure("not made") }
    }

    /// The sockets of the runs in here.
    func sockets() throws -> [String] {
        let directory = "\(path)/r/supervise"
        return try Disk().list(directory).map { "\(directory)/\($0.name)/sock" }
            .filter(pathExists)
    }

    /// The status as the supervisor tells it now.
    func statusOverSocket() throws -> Status {
        guard let socket = try sockets().first else { throw TestFailure("there is no socket yet") }
        let peer = try Peer(path: socket)
        try peer.send(line: #"{"type":"control","command":"status"}"#)
        let line = try #require(try peer.readLine())
        let envelope = try JSONText.decode(Envelope<SupervisorMessage>.self, from: line.utf8)
        guard case .status(let status) = envelope.message else {
            throw TestFailure("no status, but \(line)")
        }
        return status
    }

    /// Waits until a supervisor in here listens.
    func waitForSocket() throws {
        try waitBriefly { try !statusOverSocket().name.isEmpty }
    }
}
