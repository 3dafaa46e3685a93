import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// A job that floods the socket: many connections full of requests, whose answers nobody reads.
@Suite("A flood on the socket", .onStage)
struct FloodTests {
    /// How a job floods, and over how many connections.
    struct Kind: CustomTestStringConvertible, Sendable {
        let count: Int
        let what: String

        var testDescription: String { "\(count) × \(what)" }

        static let all =
            [50, 200, 900].map { Self(count: $0, what: "status") }
            + ["heartbeat", "nonsense", "checkpoint", "commit", "pin", "endless"].map {
                Self(count: 200, what: $0)
            } + [Self(count: 1, what: "storm"), Self(count: 1, what: "endless")]
    }

    private func flood(_ program: Program, _ place: Place, _ kind: Kind) throws {
        try program.say("run \(place.fixture) flood \(kind.count) \(kind.what)")
        try program.line(starting: "flooding")
    }

    @Test(
        "does not delay a stop beyond its promised time, and the final checkpoint is made",
        arguments: Kind.all)
    func stop(kind: Kind) throws {
        let place = try Place()
        let limits = ["--checkpoint-timeout", "20s", "--stop-timeout", "4s"]
        let program = try place.puppet(limits)
        try program.hello()
        try flood(program, place, kind)
        let began = MonotonicTime.now()
        try program.signal(15)
        // Of a flood that asks for checkpoints, too.
        var request = try program.request()
        while !request.final { request = try program.request() }
        let committed = try program.checkpoint(step: 3, request: request.request)
        #expect(try program.message().message == .stop(deadline: 4))
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(MonotonicTime.now() - began < .seconds(26))
        #expect(try place.isWhole(committed.id.description))
        #expect(try place.status().outcome?.kind == .stopped)
    }

    @Test("that keeps a checkpoint open, so that none can be saved, does not delay a stop either")
    func openCheckpoints() throws {
        let place = try Place()
        let limits = ["--checkpoint-timeout", "6s", "--stop-timeout", "4s"]
        let program = try place.puppet(limits)
        try program.hello()
        try flood(program, place, Kind(count: 300, what: "begin"))
        let began = MonotonicTime.now()
        try program.signal(15)
        try program.line(starting: "signal SIGTERM")
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(MonotonicTime.now() - began < .seconds(12))
        #expect(try place.status().outcome?.kind == .stopped)
    }

    @Test("leaves checkpoints and restarts as they are, and the supervisor as small as it was")
    func goesOn() throws {
        let place = try Place()
        let program = try place.puppet()
        for attempt in 1...2 {
            try program.hello()
            try flood(program, place, Kind(count: 300, what: "status"))
            let peer = try place.connect()
            try peer.send(line: #"{"type":"control","command":"checkpoint"}"#)
            let step = Int64(attempt)
            let made = try program.checkpoint(step: step, request: program.request().request)
            #expect(try peer.readLine()?.contains(made.id.description) == true)
            #expect(try residentSize(of: program.pid) < 150 << 20)
            try program.say("die SIGKILL")
            try program.nextAttempt(attempt + 1)
        }
        try waitBriefly { try place.status().checkpoints == 2 }
        try place.stopByControl(program)
    }

    @Test("of lines that never end does not take all memory")
    func halfLines() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello()
        try flood(program, place, Kind(count: 900, what: "half"))
        // Behind what was sent up to now.
        try program.checkpoint(step: 1)
        #expect(try residentSize(of: program.pid) < 250 << 20)
        try place.stopByControl(program)
    }

    @Test("does not hide what the job saved before it died", arguments: ["add", "commit"])
    func lastWords(how: String) throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello()
        let file = try place.directory.write("payload", "s")
        try flood(program, place, Kind(count: 400, what: "heartbeat"))
        let began = how == "add" ? nil : try program.begin(step: 9)
        let message = began.map { JobMessage.commit(.init(id: $0.id)) }
        // What it says last is unread when it dies: the supervisor stands still.
        try program.signal(19)
        try program.send(message ?? .add(.init(path: file, step: 9)))
        try program.say("die SIGKILL")
        let job = try #require(place.status().jobPID)
        try waitBriefly { try place.processState("\(job)") == "Z" }
        try program.signal(18)
        try program.nextAttempt(2)
        #expect(try program.hello().resume?.step == 9)
        try place.stopByControl(program)
    }

    private func residentSize(of pid: Int32) throws -> Int {
        let text = try readSmallFile("/proc/\(pid)/status")
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
        return try #require(line.split(separator: " ").compactMap { Int($0) }.first) << 10
    }
}
