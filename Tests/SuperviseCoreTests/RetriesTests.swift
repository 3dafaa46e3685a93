import SuperviseFormats
import Testing

@testable import SuperviseCore

/// What is refused while the job runs: the wait before it is tried again, and what people read of it.
@Suite("What the machine refuses beside a start")
struct RetriesTests {
    private static let unseen = Event.hindered(.tree("open /proc: Too many open files"))
    private static let unpaused = Event.hindered(
        .signal("SIGSTOP", "open /proc: Too many open files"))

    private func running() -> Desk {
        var desk = Desk()
        desk.run()
        return desk
    }

    /// The wait that one event has set, in milliseconds.
    private func wait(_ desk: Desk, _ actions: [Action]) -> Int64? {
        actions.timer(.again).map { ($0 - desk.now) / 1_000_000 }
    }

    @Test("the wait grows by tries, however much one try meets")
    func waits() {
        var desk = running()
        var waits: [Int64?] = []
        for _ in 0..<5 {
            waits.append(wait(desk, desk.tell(Self.unseen)))
            for _ in 0..<7 {
                #expect(desk.tell(Self.unseen).timer(.again) == nil)
                #expect(desk.tell(.hindered(.threads("pthread_create"))).timer(.again) == nil)
            }
            #expect(desk.tell(.timer(.again), after: .seconds(60)).contains(.tryAgain))
        }
        #expect(waits == [100, 200, 400, 800, 1600])
    }

    @Test("each kind is reported once until it is over, and then that it is over")
    func reports() {
        var desk = running()
        #expect(desk.tell(Self.unseen).warnings.count == 1)
        for _ in 0..<4 {
            desk.tell(.timer(.again), after: .seconds(60))
            #expect(desk.tell(Self.unseen).warnings.isEmpty)
            #expect(desk.tell(.triedAgain).warnings.isEmpty)
        }
        desk.tell(.timer(.again), after: .seconds(60))
        #expect(
            desk.tell(.triedAgain).warnings == [
                "the job's processes can be looked at again, after 300 s"
            ])
        #expect(desk.tell(.triedAgain).warnings.isEmpty)
        // A new one is a new one.
        let second = desk.tell(Self.unseen)
        #expect(second.warnings.count == 1 && wait(desk, second) == 100)
    }

    @Test("one of two that is over is reported alone")
    func two() {
        var desk = running()
        desk.tell(Self.unseen)
        desk.tell(.hindered(.threads("pthread_create")))
        desk.tell(.timer(.again), after: .seconds(1))
        desk.tell(Self.unseen)
        #expect(desk.tell(.triedAgain).warnings == ["threads can be started again, after 1 s"])
    }

    @Test("a pause that reaches nobody is reported, and ordered again until it does")
    func pause() {
        var desk = running()
        #expect(desk.control("pause").contains(.pauseJob))
        let missed = desk.tell(Self.unpaused)
        #expect(missed.warnings.count == 1 && missed.warnings[0].contains("SIGSTOP"))
        #expect(desk.tell(.timer(.again), after: .milliseconds(100)).contains(.tryAgain))
        #expect(
            desk.tell(.triedAgain).warnings == [
                "the whole job can be sent signals again, after 0 s"
            ])
    }

    @Test("a record that cannot be written is reported once, and written again until it is there")
    func record() {
        var desk = running()
        let first = desk.tell(.recordRefused("open: Too many open files"))
        #expect(first.warnings.count == 1 && wait(desk, first) == 100)
        for _ in 0..<3 {
            let again = desk.tell(.timer(.again), after: .seconds(60))
            #expect(again.records.count == 1)
            desk.tell(.triedAgain)
            #expect(desk.tell(.recordRefused("open: Too many open files")).warnings.isEmpty)
        }
        #expect(
            desk.tell(.recordWritten(reserved: 9)).warnings == [
                "the run record is written again, after 180 s"
            ])
        #expect(desk.tell(.recordWritten(reserved: 10)).warnings.isEmpty)
        #expect(desk.tell(.timer(.again), after: .seconds(60)).records.isEmpty)
        #expect(desk.tell(.recordFailed("no space")).warnings.count == 1)
    }

    @Test("another reason why the record cannot be written is reported, too, but not each time")
    func reasons() {
        var desk = running()
        for _ in 0..<3 {
            desk.tell(.recordRefused("open: Too many open files"))
            desk.tell(.recordFailed("no space"))
        }
        let told = (0..<20).flatMap { desk.tell(.recordFailed("reason \($0)")).warnings }
        #expect(told.count == 2)
        #expect(desk.tell(.recordFailed("no space")).warnings.isEmpty)
    }

    @Test("while the job is started again, a record that is refused holds up nothing")
    func waiting() {
        var desk = running()
        desk.end(.exited(1))
        let refused = desk.tell(.recordRefused("open: Too many open files"))
        #expect(refused.warnings.count == 1 && refused.timer(.backoff) == nil)
        #expect(desk.tell(.timer(.backoff), after: .seconds(100)).spawn?.attempt == 2)
    }
}
