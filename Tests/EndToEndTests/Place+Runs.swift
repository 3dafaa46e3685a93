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

    /// Changes a byte of a file and nothing else that a directory shows.
    func rot(_ file: String) throws {
        var bytes = try Disk().readFile(file, limit: 64 << 20)
        bytes[bytes.count / 2] ^= 1
        let line = "touch -r \"$1\" \"$1.time\"; cat > \"$1\"; touch -r \"$1.time\" \"$1\"; rm \"$1.time\""
        let program = try start(["sh", "-c", line, "sh", file], hasInput: true)
        try program.say(String(decoding: bytes, as: UTF8.self))
        program.closeInput()
        #expect(try program.waitForEnd() == .exited(0))
    }
}
