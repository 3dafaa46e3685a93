import SuperviseFormats
import Testing

@testable import SuperviseCore

@Suite("Standard input of a job that is started again")
struct InputTests {
    private let usedUp = Event.Input.pipe(waiting: 0, isOpen: false)

    /// An attempt that found `input` has crashed, and the next one runs.
    private func second(
        _ input: Event.Input, _ now: Event.Input? = nil, checkpoint: Bool = false,
        _ change: (inout Settings) -> Void = { _ in }
    ) -> (Desk, spawning: [Action]) {
        var desk = Desk { change(&$0) }
        desk.tell(.started)
        desk.tell(.recorded)
        desk.tell(.inputSeen(input))
        desk.tell(.spawned(pid: 100))
        if checkpoint {
            desk.hello()
            desk.save()
        }
        desk.tell(.jobExited(.exited(3)))
        desk.tell(.inputSeen(now ?? input))
        desk.tell(.descendantsGone)
        var spawning = desk.tell(.timer(.backoff), after: .seconds(100))
        if let id = spawning.verified { spawning = desk.tell(.verified(id, .good(metadata: [:]))) }
        desk.tell(.inputSeen(now ?? input))
        desk.tell(.spawned(pid: 101))
        return (desk, spawning)
    }

    /// The second attempt exits with status 0.
    private func completes(_ desk: inout Desk, _ now: Event.Input) -> Bool {
        desk.tell(.jobExited(.exited(0)))
        desk.tell(.inputSeen(now))
        return desk.tell(.descendantsGone).ending == .completed
    }

    @Test("a file is put back to where the first attempt began, and nothing is said")
    func file() {
        var (desk, spawning) = second(.file(offset: 5), .file(offset: 90))
        #expect(spawning.contains(.rewindInput(to: 5)) && spawning.warnings == [])
        #expect(completes(&desk, .file(offset: 90)))
    }

    @Test("the first attempt reads from where it is")
    func first() {
        var desk = Desk()
        desk.tell(.started)
        let spawning = desk.tell(.recorded)
        #expect(spawning.spawn != nil && spawning.warnings == [])
        #expect(!spawning.contains(.rewindInput(to: 0)))
    }

    @Test("that a pipe cannot be read again is told once")
    func told() {
        var (desk, spawning) = second(.pipe(waiting: 5, isOpen: false), usedUp)
        #expect(spawning.warnings.count == 1)
        #expect(spawning.warnings.first?.contains("what attempt 1 has read") == true)
        desk.end(.exited(3))
        #expect(desk.tell(.timer(.backoff), after: .seconds(100)).warnings == [])
    }

    @Test("status 0 of an attempt that finds its input used up fails the run")
    func usedUpInput() {
        for open in [Event.Input.pipe(waiting: 5, isOpen: false), .pipe(waiting: 0, isOpen: true)] {
            var (desk, _) = second(open, usedUp)
            desk.tell(.jobExited(.exited(0)))
            desk.tell(.inputSeen(usedUp))
            let end = desk.tell(.descendantsGone)
            #expect(end.ending == .failed(status: 1))
            let outcome = Outcome(kind: .failed, exitCode: 0, reason: .inputUsedUp)
            #expect(end.records.last?.outcome == outcome)
        }
    }

    @Test("it completes where something is left, a writer lives, or there never was anything")
    func completes() {
        let begun = Event.Input.pipe(waiting: 5, isOpen: true)
        for now in [Event.Input.pipe(waiting: 1, isOpen: false), .pipe(waiting: 0, isOpen: true)] {
            var (desk, _) = second(begun, now)
            #expect(completes(&desk, now))
        }
        // As from cron.
        var (empty, spawning) = second(usedUp)
        #expect(spawning.warnings == [] && completes(&empty, usedUp))
        var (other, _) = second(.other)
        #expect(completes(&other, .other))
        // Nobody can tell.
        var (unknown, _) = second(begun)
        #expect(completes(&unknown, .other))
    }

    @Test("an attempt that went on from a checkpoint completes without its input")
    func resumed() {
        var (desk, _) = second(.pipe(waiting: 5, isOpen: false), usedUp, checkpoint: true)
        #expect(completes(&desk, usedUp))
    }

    @Test("an attempt that never ran has read nothing")
    func neverRan() {
        var desk = Desk()
        desk.tell(.started)
        desk.tell(.recorded)
        desk.tell(.inputSeen(.pipe(waiting: 5, isOpen: false)))
        desk.tell(.spawnFailed(.system("no memory")))
        let spawning = desk.tell(.timer(.backoff), after: .seconds(100))
        #expect(spawning.spawn != nil && spawning.warnings == [])
        desk.tell(.inputSeen(.pipe(waiting: 5, isOpen: false)))
        desk.tell(.spawned(pid: 100))
        #expect(completes(&desk, usedUp))
    }

    @Test("a stop stays a stop, and --restart always goes on, whatever the input")
    func others() {
        let begun = Event.Input.pipe(waiting: 5, isOpen: false)
        var (stopped, _) = second(begun, usedUp)
        stopped.tell(sigterm)
        stopped.tell(.jobExited(.exited(0)))
        stopped.tell(.inputSeen(usedUp))
        #expect(stopped.tell(.descendantsGone).ending == .stopped(signal: 15))
        var (always, _) = second(begun, usedUp) { $0.restart = .always }
        always.tell(.jobExited(.exited(0)))
        always.tell(.inputSeen(usedUp))
        #expect(always.tell(.descendantsGone).ending == nil)
    }
}
