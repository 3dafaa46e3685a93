import Glibc
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText
import Synchronization
import TestSupport
import Testing

@Suite("power cuts and failing disks while something is added")
struct AddWalkTests {
    /// A way to add, of one kind of thing.
    struct Case: Sendable, CustomStringConvertible {
        var mode: AddMode
        var original: Original
        /// What is added is on another file system than the checkpoints.
        var isElsewhere = false

        var description: String {
            "\(mode.rawValue) \(original)\(isElsewhere ? " from elsewhere" : "")"
        }

        func prepare(_ scene: Scene) throws {
            try scene.start()
            try scene.store.record.save(scene.record())
            try scene.commit(id(1))
            try original.makeWithHome(on: scene.files)
            if isElsewhere { (scene.files as? CrashFileSystem)?.mount(original.home) }
        }
    }

    static let cases = Original.both.flatMap { original in
        AddMode.allCases.map { Case(mode: $0, original: original) }
            + [Case(mode: .move, original: original, isElsewhere: true)]
    }

    @Test(
        "what is added is there whole or not at all, and the original is never lost",
        arguments: cases)
    func walk(_ each: Case) throws {
        let warned = Mutex<[String]>([])
        let walk = CrashWalk(
            prepare: each.prepare,
            act: { scene in
                try scene.add(id(2), each.original, each.mode) { warning in
                    warned.withLock { $0.append(warning) }
                }
                // What fails when it is durable is only told.
                let isTold = warned.withLock { $0.contains { $0.contains("and stays") } }
                warned.withLock { $0 = [] }
                if isTold {
                    throw SystemError(call: "", code: CrashFileSystem.powerCut, subject: "")
                }
            })
        let steps = try walk.run { scene, returned in
            try scene.start()
            let ids = try scene.store.checkpoints.scan().checkpoints.map(\.id)
            try expect(ids == [id(1), id(2)] || (!returned && ids == [id(1)]), "there are \(ids)")
            let isThere = ids.contains(id(2))
            let isWhole = each.original.isWhole(on: scene.files)
            switch each.mode {
            case .move:
                try expect(isThere || isWhole, "the original is lost")
                try expect(!returned || each.original.isGone(on: scene.files), "it is still there")
            case .copy, .own, .reference: try expect(isWhole, "the original is not whole")
            }
            // A sweep takes nothing of it.
            try scene.store.sweep()
            try expect(
                isThere || each.original.isWhole(on: scene.files), "the sweep took the original")
        }
        #expect(steps >= 9)
    }

    @Test(
        "a power cut while an owned one is removed leaves nothing half removed in sight",
        arguments: Original.both)
    func removal(original: Original) throws {
        let each = Case(mode: .own, original: original)
        let walk = CrashWalk(
            prepare: { scene in
                try each.prepare(scene)
                try scene.add(id(2), original, .own)
                try scene.commit(id(3))
            },
            act: { scene in _ = try scene.store.trash.remove([id(2)]) })
        try walk.run { scene, returned in
            try scene.start()
            let isThere = try scene.store.checkpoints.scan().checkpoints.map(\.id).contains(id(2))
            try expect(!returned || !isThere, "it is back")
            if isThere { try expect(scene.isGood(id(2)), "it is damaged") }
            try scene.store.sweep()
            try expect(
                isThere || original.isGone(on: scene.files),
                "the payload was forgotten, not removed")
        }
    }

    @Test("whatever fails, the original stays or becomes a checkpoint", arguments: cases)
    func failures(_ each: Case) throws {
        let base = CrashFileSystem()
        try each.prepare(Scene(base))
        let whole = base.copy()
        try Scene(whole).add(id(2), each.original, each.mode)
        for (index, call) in whole.calls.enumerated() {
            for code in [ENOSPC, EIO, EROFS, EACCES, EMFILE] {
                let files = base.copy()
                files.inject(.init(code, at: index))
                let scene = try Scene(files)
                var warnings: [String] = []
                var failure: StoreError?
                do {
                    try scene.add(id(2), each.original, each.mode) { warnings.append($0) }
                } catch let error as StoreError {
                    failure = error
                }
                files.clearFaults()
                do {
                    try check(each, scene, failure, warnings)
                } catch {
                    Issue.record("\(call) with \(errorText(code)): \(error)")
                }
            }
        }
    }

    private func check(
        _ each: Case, _ scene: Scene, _ failure: StoreError?, _ warnings: [String]
    ) throws {
        if let failure {
            let isNamed = failure.systemError?.subject.isEmpty == false
            try expect(isNamed || failure.protocolCode == .badPath, "\(failure)")
            try expect(warnings.isEmpty, "\(warnings)")
            // What the host does then.
            try? scene.store.staging.drop(id(2))
        }
        try scene.store.sweep()
        let files = try #require(scene.files as? CrashFileSystem)
        for files in [files, files.afterPowerCut(seed: 0)] {
            let found = try Scene(files)
            try found.start()
            let ids = try found.store.checkpoints.scan().checkpoints.map(\.id)
            let isThere = ids.contains(id(2))
            try expect(isThere || failure != nil, "it is not there")
            try expect(
                isThere || each.original.isWhole(on: found.files), "the original is lost")
            if isThere { try expect(found.isGood(id(2)), "it is bad") }
            try expect(found.isGood(id(1)), "the one before is bad")
        }
        try scene.commit(id(9))
        try expect(scene.isGood(id(9)), "the next one is bad")
    }
}
