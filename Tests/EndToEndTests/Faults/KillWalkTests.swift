import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// SIGKILL to the supervisor before each call that changes the disk: nothing that was committed is
/// missing, nothing that can be seen is torn, and the next start goes on.
@Suite(
    "SIGKILL at any call", .onStage,
    .enabled(if: Strace.isUsable, "strace is missing, or may not look at other processes"))
struct KillWalkTests {
    @Test("while checkpoints are made, added, recorded and removed", arguments: FaultScene.threads)
    func walk(threads: String) throws {
        let points = try FaultScene.points(threads, calls: FaultScene.changes) { _ in
            ["signal=SIGKILL"]
        }
        #expect(points.count > 3)
        let chosen = FaultSample.choose(12, of: points)
        var killed = 0
        for point in chosen where FaultSample.isWhole || killed < 4 {
            do {
                killed += try kill(at: point) ? 1 : 0
            } catch {
                Issue.record("\(point) (\(FaultSample.replay)): \(error)")
            }
        }
        // What threads do beside each other is not the same every time.
        #expect(killed > 0, "none of \(chosen.count)")
    }

    /// - Returns: whether it came to that.
    private func kill(at point: FaultPoint) throws -> Bool {
        let scene = try FaultScene(point.threads)
        let strace = try scene.lay(point)
        // It dies in the middle of this.
        _ = try? scene.act()
        if try !scene.program.passes(.seconds(1)) {
            scene.place.tryToStop(scene.program)
        }
        let isKilled = try scene.program.waitForEnd() == .signaled(9)
        _ = try? strace.finish()
        try expectAllIsWell(scene.place, committed: scene.committed, "\(point)")
        return isKilled
    }

    /// The last two that the job was told of are there, and whole as all that is there; a next start
    /// goes on from the newest, and its checkpoint is the newest then.
    private func expectAllIsWell(
        _ place: Place, committed: [CheckpointID], _ what: String
    ) throws {
        let there = place.checkpoints
        let said: Comment = "\(what) (\(FaultSample.replay))"
        // What retention went by was on the disk before the job was told.
        let known = Set(committed.map(\.description)).union(there)
        #expect(known.sorted().suffix(2).allSatisfy(there.contains), "\(said): \(there)")
        for id in there { #expect(try place.isGood(id), said) }
        let program = try place.puppet(["--keep-last", "2"])
        let resume = try #require(try program.hello(accepts: false).resume, said)
        #expect(resume.id.description == there.last, said)
        #expect(committed.allSatisfy { $0 <= resume.id }, said)
        if pathExists("\(resume.path)/state") {
            let state = try readSmallFile("\(resume.path)/state")
            #expect(state == "state of step \(resume.step ?? 0)", said)
        } else {
            #expect(try readSmallFile("\(resume.path)/b/c") == "added too", said)
        }
        let next = try program.checkpoint(step: 100)
        #expect(next.id > resume.id, said)
        try waitBriefly { place.names(in: "staging").isEmpty && place.names(in: "trash").isEmpty }
        try place.stop(program)
        #expect(place.checkpoints.last == next.id.description, said)
        for id in place.checkpoints { #expect(try place.isGood(id), said) }
        #expect(try place.record().outcome?.kind == .stopped, said)
        #expect(try place.status().checkpoint?.id == next.id, said)
    }
}
