import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// A wall clock that is set while a run goes on, by a year and more: no time-out cares.
///
/// The machine's clock is everybody's, so it is set for the supervisor alone.
@Suite(
    "A wall clock that is set", .onStage,
    .enabled(if: Preload.isUsable, Preload.hindrance))
struct WallClockTests {
    private static let year: Int64 = 365 * 86_400

    @Test("a year forward and two back, while it runs")
    func whileRunning() throws {
        let place = try Place()
        let clock = try Preload(in: place)
        let program = try place.puppet(
            [
                "--checkpoint-every", "400ms", "--checkpoint-timeout", "500ms",
                "--backoff", "600ms..600ms", "--stop-timeout", "700ms", "--keep-last", "3",
            ], environment: clock.environment)
        let now = try year(place)
        var attempt = 1
        for (offset, years) in [(Self.year, 1), (-Self.year, -1), (0, 0)] {
            try program.hello()
            // The interval and the request's time run while the clock is set.
            try clock.setClock(offset)
            let start = MonotonicTime.now()
            let request = try program.request()
            #expect(MonotonicTime.now() - start <= patience / 10)
            try clock.setClock(-offset)
            try clock.setClock(offset)
            let committed = try program.checkpoint(step: Int64(attempt), request: request.request)
            #expect(try year(place) == now + years)
            #expect(place.checkpoints.contains(committed.id.description))
            // Not answered: another one comes when its time and the interval are over, not before.
            let second = try program.request()
            let asked = MonotonicTime.now()
            try clock.setClock(-2 * offset)
            let third = try program.request()
            #expect(third.request == second.request + 1)
            #expect((.milliseconds(500)...patience / 10).contains(MonotonicTime.now() - asked))
            try program.say("exit 1")
            try program.errorLine(with: "starting again in")
            let failed = MonotonicTime.now()
            try clock.setClock(offset)
            attempt += 1
            try program.nextAttempt(attempt)
            #expect((.milliseconds(300)...patience / 10).contains(MonotonicTime.now() - failed))
        }
        // The newest is the last that was committed, whatever the clock showed then.
        #expect(
            try program.hello(accepts: true).resume?.id
                == CheckpointID(place.checkpoints.last ?? ""))
        let start = MonotonicTime.now()
        try clock.setClock(-Self.year)
        try program.signal(15)
        #expect(try program.request().final)
        try clock.setClock(Self.year)
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(
            (.milliseconds(1200) ... .milliseconds(3200) * 2).contains(MonotonicTime.now() - start))
    }

    @Test("a year back between two supervisors: the newest checkpoint is gone on from, and kept")
    func betweenSupervisors() throws {
        let place = try Place()
        let clock = try Preload(in: place)
        place.environment.merge(clock.environment) { $1 }
        try place.stoppedRun(saving: [1, 2])
        try clock.setClock(-Self.year)
        let program = try place.puppet(["--max-age", "1d", "--keep-last", "2"])
        #expect(try program.hello(accepts: false).resume?.step == 2)
        let older = try program.checkpoint(step: 3).id
        try clock.setClock(Self.year)
        let newer = try program.checkpoint(step: 4).id
        #expect(place.checkpoints.suffix(1) == [newer.description])
        #expect(newer > older)
        try place.stop(program)
        let again = try place.puppet()
        #expect(try again.hello(accepts: false).resume?.id == newer)
        try place.stop(again)
    }

    private func year(_ place: Place) throws -> Int {
        try Int(place.statusOverSocket().updated.description.prefix(4)) ?? 0
    }
}
