import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText
import TestSupport
import Testing

/// Cuts the power after every single operation of something that a store does, with what was not
/// synced surviving in several ways, and looks at what the next start finds.
struct CrashWalk {
    /// Before the walk: made once, and durable as far as the store makes it so.
    var prepare: (Scene) throws -> Void
    /// What is walked through.
    var act: (Scene) throws -> Void
    var checkpointRoot: String?
    /// Seeds of what survives; the first four are the extremes.
    var seeds: Range<UInt64> = 0..<9

    /// - Parameter check: looks at what a start after the power cut finds, before anything is swept.
    ///   `returned` is whether all of `act` was done.
    /// - Returns: after how many operations the power was cut.
    @discardableResult
    func run(_ check: (Scene, _ returned: Bool) throws -> Void) throws -> Int {
        let base = CrashFileSystem()
        try prepare(scene(base))
        let whole = base.copy()
        try act(scene(whole))
        let count = whole.mutations
        for step in 0...count {
            let files = base.copy()
            files.cutPower(afterMutations: step)
            let failure = Self.failure { try act(scene(files)) }
            let expected = step == count ? nil : CrashFileSystem.powerCut
            #expect(failure == expected, "step \(step): a power cut is no ordinary error")
            for seed in seeds {
                let last = files.calls.last.map(String.init(describing:)) ?? "nothing"
                let found = try scene(files.afterPowerCut(seed: seed))
                try Self.annotate("power cut after \(step) operations (\(last)), seed \(seed)") {
                    try check(found, step == count)
                    let kept = try Self.checkThatLifeGoesOn(found)
                    // And once more, before anything else was synced.
                    let files = try #require(found.files as? CrashFileSystem)
                    let again = try scene(files.afterPowerCut(seed: seed))
                    let scan = try again.store.checkpoints.scan().checkpoints.map(\.id)
                    try expect(scan == kept, "a second power cut leaves \(scan) of \(kept)")
                    for id in kept { try expect(again.isGood(id), "\(id) is bad") }
                }
            }
        }
        return count
    }

    private func scene(_ files: CrashFileSystem) throws -> Scene {
        try Scene(files, checkpointRoot: checkpointRoot)
    }

    /// What the system said; of the store, or of what the job wrote.
    private static func failure(_ body: () throws -> Void) -> Int32? {
        do {
            try body()
            return nil
        } catch let error as StoreError {
            return error.systemError?.code ?? -1
        } catch let error as SystemError {
            return error.code
        } catch {
            return -1
        }
    }

    /// Says where it was.
    private static func annotate(_ place: String, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch {
            Issue.record("\(place): \(error)")
        }
    }

    /// A start after the power cut: everything that is seen is good, leftovers go, and the next
    /// checkpoint can be made.
    ///
    /// - Returns: the checkpoints that are there in the end.
    private static func checkThatLifeGoesOn(_ scene: Scene) throws -> [CheckpointID] {
        try scene.start()
        if try scene.store.record.load() == nil { try scene.store.record.save(scene.record()) }
        let before = try scene.store.checkpoints.scan()
        try expect(before.damaged.isEmpty, "damaged: \(before.damaged)")
        for checkpoint in before.checkpoints {
            let verification = try scene.store.checkpoints.verify(checkpoint.id)
            guard case .good = verification else {
                throw Unexpected("\(checkpoint.id) is visible and \(verification)")
            }
        }
        try scene.store.sweep()
        let swept = try scene.store.checkpoints.scan()
        try expect(swept.checkpoints == before.checkpoints, "sweeping took checkpoints")
        try expect(swept.staging.isEmpty && swept.trash.isEmpty, "leftovers: \(swept)")
        let next = id(before.highestSequence + 1)
        try scene.commit(next)
        try expect(scene.isGood(next), "the next one is bad")
        try scene.store.derived.append([event(1)])
        try scene.store.derived.publish(status(attempt: 9))
        try expect(scene.store.derived.readStatus()?.attempt == 9, "no new status")
        try expect(scene.store.derived.readEvents(last: 1) == [event(1)], "no new event")
        return swept.checkpoints.map(\.id) + [next]
    }
}

/// A check that can say more than #expect within a walk, and ends the step.
struct Unexpected: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

func expect(_ condition: Bool, _ description: @autoclosure () -> String) throws {
    if !condition { throw Unexpected(description()) }
}
