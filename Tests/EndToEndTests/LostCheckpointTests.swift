import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite("A final checkpoint that is lost with the job is told", .onStage)
struct LostCheckpointTests {
    private let words = "the final checkpoint was lost: the job ended before it was saved"

    private func expectLost(_ program: Program, _ place: Place) throws {
        let status = try place.status()
        #expect(status.requests.lost == 1 && status.requests.moot == 0)
        #expect(status.finalCheckpointLost)
        #expect(program.lines(.errors).filter { $0.contains(words) }.count == 2)
        #expect(program.lines(.errors).last?.contains(words) == true)
        let lost = try place.events().contains {
            if case .requestEnded(let ended) = $0 { ended.result == .lost } else { false }
        }
        #expect(lost)
    }

    @Test("where somebody kills the job while it is asked")
    func killed() throws {
        let place = try Place()
        let program = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        let leader = try ProcessHandle(opening: program.nextAttempt(1))
        try program.hello()
        try program.signal(15)
        #expect(try program.request().final)
        try leader.signal(9)
        #expect(try program.waitForEnd() == .signaled(15))
        try expectLost(program, place)
    }

    @Test("where the job begins its checkpoint, and dies before it commits")
    func begun() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello()
        try program.signal(15)
        _ = try program.begin(step: 3, request: program.request().request)
        try program.say("die SEGV")
        #expect(try program.waitForEnd() == .signaled(15))
        try expectLost(program, place)
        #expect(place.checkpoints.isEmpty)
    }

    @Test("where the job ends at a signal that should have asked it")
    func bySignal() throws {
        let place = try Place()
        let job = "trap 'exit 0' USR2; echo up; while :; do sleep 1000 & wait; done"
        let program = try place.supervise(
            ["--watch", "out/*", "--request-signal", "USR2", "--preempt-signal", "none"],
            ["sh", "-c", job])
        try program.line(starting: "up")
        try waitForChange(in: place.file("")) { try place.status().jobPID != nil }
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
        try expectLost(program, place)
    }

    @Test("in a restart that an operator asked for, and the last line of the run is silent of it")
    func restart() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello()
        try place.connect().send(line: #"{"type":"control","command":"restart"}"#)
        #expect(try program.request().final)
        try program.say("exit 0")
        try program.nextAttempt(2)
        #expect(program.text(.errors).contains(words))
        try place.stop(program)
        #expect(program.lines(.errors).last?.contains(words) == false)
        #expect(try place.status().requests.lost == 1)
    }

    @Test("not where the job saved after the request without naming it, and exited")
    func savedUnnamed() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello()
        try program.signal(15)
        #expect(try program.request().final)
        try program.checkpoint(step: 4)
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(15))
        let status = try place.status()
        #expect(status.requests.lost == 0 && status.requests.committed == 1)
        #expect(!program.text(.errors).contains(words))
    }
}
