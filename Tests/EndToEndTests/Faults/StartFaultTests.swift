import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Faults while a supervisor starts and ends, in its first thread.
@Suite(
    "Faults at the start and the end", .onStage,
    .enabled(if: Strace.isUsable, "strace is missing, or may not look at other processes"))
struct StartFaultTests {
    /// How a run is begun.
    enum Beginning: String, CaseIterable, CustomTestStringConvertible {
        case new, resumed, fresh
        var testDescription: String { rawValue }
    }

    private static let means = [
        "socket", "bind", "listen", "epoll_create1", "eventfd2", "timerfd_create", "signalfd4",
        "pipe2", "inotify_init1", "fcntl",
    ]

    /// What there is before.
    private func prepare(_ beginning: Beginning) throws -> Place {
        let place = try Place()
        if beginning == .new { return place }
        try place.stoppedRun(saving: [1, 2])
        // As one who was killed would leave it.
        for name in ["staging/000009", "trash/000001-step-1"] {
            let line = ["mkdir", "-p", place.file(name)]
            #expect(try place.start(line).waitForEnd() == .exited(0))
            try Disk().writeFile(place.file("\(name)/half"), [1])
        }
        return place
    }

    /// A supervised puppet under strace, which follows no other thread or process.
    private func start(
        _ place: Place, _ beginning: Beginning, calls: [String], point: FaultPoint? = nil
    ) throws -> (program: Program, log: String) {
        let log = "\(place.path)/strace"
        let names = calls.map { "?\($0)" }.joined(separator: ",")
        var command = ["strace", "-y", "-o", log, "-e", "trace=\(names)", "-e", "signal=none"]
        if let point {
            command += ["-e", "inject=\(point.call):\(point.effect):when=\(point.number)"]
        }
        let options = beginning == .fresh ? ["--fresh"] : []
        let program = try place.start(
            command + [place.binary] + place.arguments(options) + [place.fixture, "puppet"],
            hasInput: true)
        return (program, log)
    }

    private func points(
        _ beginning: Beginning, calls: [String], effects: (String) -> [String]
    ) throws -> [FaultPoint] {
        let place = try prepare(beginning)
        let (program, log) = try start(place, beginning, calls: calls)
        try program.nextAttempt(nil)
        try program.hello(accepts: false)
        place.tryToStop(program)
        #expect(try program.waitForEnd() == .signaled(15))
        var counts: [String: Int] = [:]
        var points: [FaultPoint] = []
        for line in try readSmallFile(log).split(separator: "\n") {
            let call = String(line.prefix { $0 != "(" })
            guard call.first?.isLetter == true else { continue }
            counts[call, default: 0] += 1
            // What the loader does before us is not ours; with -y, each path has that of the place.
            guard Self.means.contains(call) || line.contains("\(place.path)/") else { continue }
            points += effects(String(line)).map {
                FaultPoint(threads: "main", call: call, number: counts[call] ?? 0, effect: $0)
            }
        }
        return points
    }

    /// What was saved before is there, or in the archive where all was to begin anew; and a next
    /// start does what it should.
    private func expectAllIsWell(_ place: Place, _ beginning: Beginning, _ said: Comment) throws {
        let ids = ["000001-step-1", "000002-step-2"]
        let isThere = place.checkpoints == ids
        if beginning == .resumed { #expect(isThere, said) }
        if beginning == .fresh, !isThere {
            let archive = try #require(
                try Disk().list("\(place.state)/.archive").first { $0.name.hasPrefix("it-") }, said)
            let path = "\(place.state)/.archive/\(archive.name)/checkpoints"
            #expect(try Disk().list(path).map(\.name) == ids, said)
        }
        let program = try place.puppet()
        let resume = try program.hello(accepts: false).resume
        #expect(resume?.id.description == (isThere ? ids[1] : nil), said)
        let next = try program.checkpoint(step: 7)
        try waitBriefly { place.names(in: "staging").isEmpty && place.names(in: "trash").isEmpty }
        try place.stop(program)
        #expect(try place.isWhole("\(next.id)"), said)
        #expect(place.checkpoints.last == "\(next.id)", said)
    }

    @Test(
        "SIGKILL before any change of the disk leaves what can be gone on from",
        arguments: Beginning.allCases)
    func kill(beginning: Beginning) throws {
        let points = try points(beginning, calls: FaultScene.changes) { _ in ["signal=SIGKILL"] }
        #expect(points.count >= 3)
        for point in FaultSample.choose(3, of: points) {
            let said: Comment = "\(beginning), \(point) (\(FaultSample.replay))"
            do {
                let place = try prepare(beginning)
                let (program, _) = try start(
                    place, beginning, calls: [point.call], point: point)
                if (try? program.nextAttempt(nil)) != nil {
                    // One of those at the end.
                    place.tryToStop(program)
                }
                #expect(try program.waitForEnd() == .signaled(9), said)
                try expectAllIsWell(place, beginning, said)
            } catch {
                Issue.record("\(said): \(error)")
            }
        }
    }

    @Test(
        "a call that the machine refuses for a moment is tried again, and the job starts",
        arguments: Beginning.allCases)
    func shortage(beginning: Beginning) throws {
        let calls = Self.means + ["open", "openat", "socket", "clone"]
        let points = try points(beginning, calls: calls) { _ in ["error=EMFILE"] }
        #expect(points.count >= 10)
        // Moving a run into the archive is not tried again.
        for point in FaultSample.choose(4, of: beginning == .fresh ? [] : points) {
            let said: Comment = "\(beginning), \(point) (\(FaultSample.replay))"
            do {
                let place = try prepare(beginning)
                let (program, _) = try start(
                    place, beginning, calls: [point.call], point: point)
                _ = try program.nextAttempt(nil)
                place.tryToStop(program)
                _ = try program.waitForEnd()
                try expectAllIsWell(place, beginning, said)
            } catch {
                Issue.record("\(said): \(error)")
            }
        }
    }

    @Test(
        "a call that fails ends it with one line and 125, or it goes on",
        arguments: Beginning.allCases)
    func fail(beginning: Beginning) throws {
        let calls = FaultScene.calls + Self.means
        let points = try points(beginning, calls: calls) { line in
            Self.means.contains(String(line.prefix { $0 != "(" }))
                ? ["error=EMFILE"] : FaultScene.errors(line).map { "error=\($0)" }
        }
        for point in FaultSample.choose(3, of: points) {
            let said: Comment = "\(beginning), \(point) (\(FaultSample.replay))"
            do {
                let place = try prepare(beginning)
                let (program, _) = try start(
                    place, beginning, calls: [point.call], point: point)
                if (try? program.nextAttempt(nil)) != nil {
                    place.tryToStop(program)
                } else {
                    #expect(try program.waitForEnd() == .exited(125), said)
                    // With --fresh the start has archived the run before it failed, and says where.
                    let lines = program.lines(.errors).filter {
                        !$0.hasPrefix("supervise: the run before is kept as ")
                    }
                    #expect(lines.count == 1, "\(said): \(lines)")
                    #expect(lines.first?.hasPrefix("supervise: ") == true, said)
                }
                try expectAllIsWell(place, beginning, said)
            } catch {
                Issue.record("\(said): \(error)")
            }
        }
    }
}
