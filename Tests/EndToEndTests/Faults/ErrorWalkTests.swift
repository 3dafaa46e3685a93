import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// A call that fails, any one of them: the job goes on, hears what happened to what, and its next
/// checkpoint is good.
@Suite(
    "An error of any call", .onStage,
    .enabled(if: Strace.isUsable, "strace is missing, or may not look at other processes"))
struct ErrorWalkTests {
    @Test("while checkpoints are made, added, recorded and removed", arguments: FaultScene.threads)
    func walk(threads: String) throws {
        let points = try FaultScene.points(threads, calls: FaultScene.calls) { line in
            FaultScene.errors(line).map { "error=\($0)" }
        }
        let chosen = FaultSample.choose(12, of: points)
        var failed = 0
        for point in chosen where FaultSample.isWhole || failed < 4 {
            do {
                failed += try fail(at: point) ? 1 : 0
            } catch {
                Issue.record("\(point) (\(FaultSample.replay)): \(error)")
            }
        }
        // What threads do beside each other is not the same every time.
        #expect(failed > 0, "none of \(chosen.count)")
    }

    /// - Returns: whether it came to that.
    private func fail(at point: FaultPoint) throws -> Bool {
        let said: Comment = "\(point) (\(FaultSample.replay))"
        let scene = try FaultScene(point.threads)
        let (place, program) = (scene.place, scene.program)
        let strace = try scene.lay(point)
        let job = try place.status().jobPID
        let (answers, heard): (answers: [SupervisorMessage], operator: String)
        do {
            (answers, heard) = try scene.act()
        } catch {
            // Numbers of calls differ from time to time.
            if strace.hasHitWakeUp { return false }
            throw error
        }
        for answer in answers {
            switch answer {
            case .committed, .ok: break
            case .error(let error):
                // What may not be read is the fault of the path.
                let isForbidden = error.code == .badPath && point.effect == "error=EACCES"
                #expect(error.code == .io || error.code == .noSpace || isForbidden, said)
                #expect(error.message.contains(place.path), "\(said): \(error.message)")
                #expect(!error.message.contains("\n"), said)
            default: Issue.record("\(said): \(answer)")
            }
        }
        if case .error = answers.last {
            #expect(heard.contains("\"error\""), said)
            #expect(try place.statusOverSocket().requests.failed == 1, said)
        } else {
            #expect(heard.contains("\"committed\""), said)
            #expect(try place.statusOverSocket().requests.failed == 0, said)
        }
        let isDone = try strace.finish().isDone
        let next = try program.checkpoint(step: 100)
        #expect(try place.isGood("\(next.id)"), said)
        #expect(try place.statusOverSocket().jobPID == job, said)
        for line in program.lines(.errors) { #expect(line.hasPrefix("supervise: "), said) }
        try program.say("exit 1")
        try program.nextAttempt(2)
        #expect(try program.hello(accepts: false).resume?.id == next.id, said)
        try place.stop(program)
        for id in place.checkpoints { #expect(try place.isGood(id), said) }
        #expect(try place.record().outcome?.kind == .stopped, said)
        #expect(try place.status().outcome?.kind == .stopped, said)
        return isDone
    }
}
