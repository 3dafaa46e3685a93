import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// A run whose job is a puppet that saves by the shell, and speaks no protocol.
final class WatchScene {
    let place: Place
    let program: Program
    /// The job's pid.
    let job: Int32
    private var lines = 0

    init(_ options: [String], in place: Place? = nil) throws {
        let place = try place ?? Place()
        self.place = place
        _ = try? place.directory.makeDirectory("out")
        program = try place.supervise(options, [place.fixture, "puppet"], hasInput: true)
        job = try program.nextAttempt(nil)
    }

    /// Runs a line of shell as a child of the job, and waits for its end.
    func run(_ line: String) throws {
        lines += 1
        try program.say("run \(line); echo did \(lines)")
        try program.line(starting: "did \(lines)")
    }

    func waitForCheckpoints(_ count: Int) throws {
        try waitForChange(in: place.file("")) { place.checkpoints.count >= count }
    }

    /// SIGTERM to the supervisor, and the job exits.
    func stop() throws {
        try place.stop(program)
    }

    /// What the payload files of the checkpoints hold, in order of the numbers.
    func contents() throws -> [String] {
        try place.checkpoints.map { id in
            let manifest = try place.manifest(id)
            let directory = place.file("checkpoints/\(id)")
            return manifest.files.map { file in
                let path = Manifest.place(of: file.path, in: directory)
                let bytes = (try? Disk().readFile(path, limit: 1 << 20)) ?? Array("lost".utf8)
                return String(decoding: bytes, as: UTF8.self).replacing("\n", with: "")
            }.joined(separator: ",")
        }
    }

    func warnings() throws -> [String] {
        try place.events().compactMap { event in
            if case .warning(let warning) = event { warning.message } else { nil }
        }
    }

    func failures() throws -> Int {
        try place.events().count { if case .checkpointFailed = $0 { true } else { false } }
    }
}
