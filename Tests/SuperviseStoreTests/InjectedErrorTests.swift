import Glibc
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText
import TestSupport
import Testing

/// Every single operation fails once, as on a full, broken, read-only or forbidden disk.
@Suite("disks that fail", .serialized)
struct InjectedErrorTests {
    /// - Parameters:
    ///   - act: what fails. It gets a store that knows nothing of earlier times.
    ///   - copes: it may do without what has no space.
    private func failEverywhere(
        copes: Bool = false, _ act: (Scene) throws -> Void,
        prepare: (Scene) throws -> Void = { _ in },
        after: (Scene) throws -> Void
    ) throws {
        let base = CrashFileSystem()
        let begun = try Scene.begun(base)
        for number in 1...3 { try begun.commit(id(Int64(number))) }
        try prepare(begun)
        let whole = base.copy()
        try act(Scene(whole))
        #expect(!whole.calls.isEmpty)
        for (index, call) in whole.calls.enumerated() {
            for code in [ENOSPC, EIO, EROFS, EACCES] {
                let files = base.copy()
                files.inject(.init(code, at: index))
                let scene = try Scene(files)
                if copes, code == ENOSPC, (try? act(scene)) != nil {
                    files.clearFaults()
                    try after(scene)
                    try checkThatNothingIsHarmed(scene)
                    continue
                }
                let error = #expect(throws: StoreError.self, "\(call)") {
                    if copes, code == ENOSPC { throw StoreError.unwritable(.noSpace("/")) }
                    try act(scene)
                }
                // The job's own path, and it is told so.
                if call.name == "realpath", error?.protocolCode == .badPath { continue }
                #expect(error?.systemError?.code == code, "\(call)")
                #expect(error?.systemError?.subject.isEmpty == false)
                #expect(error?.isNoSpace == (code == ENOSPC))
                files.clearFaults()
                do {
                    try after(scene)
                    try checkThatNothingIsHarmed(scene)
                } catch {
                    Issue.record("\(call) with \(code): \(error)")
                }
            }
        }
    }

    private func checkThatNothingIsHarmed(_ scene: Scene) throws {
        try expect(scene.store.record.load() != nil, "the record is gone")
        for checkpoint in try scene.store.checkpoints.scan().checkpoints {
            try expect(scene.isGood(checkpoint.id), "\(checkpoint.id) is bad")
        }
        try scene.commit(id(9))
        let files = try #require(scene.files as? CrashFileSystem)
        let found = try Scene(files.afterPowerCut(seed: 0))
        try expect(found.isGood(id(9)), "the next checkpoint is not durable")
        try expect(found.isGood(id(3)), "the newest one from before is gone")
    }

    @Test("a commit that fails harms nothing, and the next one is good")
    func commit() throws {
        try failEverywhere(
            { scene in _ = try scene.store.staging.commit(scene.order(id(4))) },
            prepare: { scene in try scene.write(id(4)) },
            after: { scene in try scene.store.staging.drop(id(4)) })
    }

    @Test("a file that cannot be added leaves nothing behind")
    func add() throws {
        let source = "/results"
        try failEverywhere(
            { scene in
                _ = try scene.store.staging.add(
                    AddOrder(source: source, commit: scene.order(id(4))))
            },
            prepare: { scene in
                try scene.files.makeDirectory(source)
                try scene.files.writeFile("\(source)/a", [1, 2, 3])
            },
            after: { scene in
                let scan = try scene.store.checkpoints.scan()
                try expect(scan.staging.isEmpty, "left in staging: \(scan.staging)")
            })
    }

    @Test("a removal that fails leaves what it did not remove")
    func remove() throws {
        try failEverywhere(
            copes: true, { scene in _ = try scene.store.trash.remove([id(1), id(2)]) },
            after: { _ in })
    }

    @Test("a checkpoint that cannot be set aside stays")
    func setAside() throws {
        try failEverywhere({ scene in _ = try scene.store.setAside(id(1)) }, after: { _ in })
    }

    @Test("a record that cannot be saved leaves the old one")
    func save() throws {
        try failEverywhere(
            { scene in try scene.store.record.save(scene.record(commits: 7)) },
            after: { scene in
                let commits = try scene.store.record.load()?.commits
                try expect(commits == 0 || commits == 7, "commits: \(commits ?? -1)")
            })
    }

    @Test("a status that cannot be published leaves the old one")
    func publish() throws {
        try failEverywhere(
            { scene in try scene.store.derived.publish(status(attempt: 2)) },
            prepare: { scene in try scene.store.derived.publish(status(attempt: 1)) },
            after: { scene in
                let attempt = try scene.store.derived.readStatus()?.attempt
                try expect(attempt == 1, "attempt: \(attempt ?? -1)")
            })
    }

    @Test("what cannot be read is neither empty nor bad")
    func read() throws {
        try failEverywhere({ scene in _ = try scene.store.checkpoints.scan() }, after: { _ in })
        try failEverywhere({ scene in _ = try scene.store.record.load() }, after: { _ in })
        try failEverywhere(
            { scene in _ = try scene.store.checkpoints.verify(id(2)) }, after: { _ in })
    }

    @Test("events that could be written in part do not spoil the next ones")
    func append() throws {
        let files = CrashFileSystem()
        let scene = try Scene.begun(files)
        try scene.store.derived.append([event(1)])
        files.inject(.init(ENOSPC, call: "append"))
        #expect(throws: StoreError.self) { try scene.store.derived.append([event(2)]) }
        files.clearFaults()
        try scene.store.derived.append([event(3)])
        #expect(try scene.store.derived.readEvents() == [event(1), event(3)])
    }

    @Test("after an fsync that failed the same files are not committed again")
    func failedSync() throws {
        let files = CrashFileSystem()
        let scene = try Scene.begun(files)
        try files.writeFile("\(scene.store.staging.make(id(1)))/model.bin", [1, 2, 3])
        files.inject(.init(ENOSPC, call: "fsync"))
        let error = #expect(throws: StoreError.self) {
            try scene.store.staging.commit(scene.order(id(1)))
        }
        #expect(error?.canTryAgain == false)
        files.clearFaults()
        // What would happen if it were: the kernel says yes, and the content is gone.
        _ = try scene.store.staging.commit(scene.order(id(1)))
        #expect(try !Scene(files.afterPowerCut(seed: 0)).isGood(id(1)))
    }

    @Test("where the disk was full before any fsync, the same files may be committed again")
    func fullDisk() throws {
        let files = CrashFileSystem()
        let scene = try Scene.begun(files)
        try scene.write(id(1))
        files.inject(.init(ENOSPC, call: "write"))
        let error = #expect(throws: StoreError.self) {
            try scene.store.staging.commit(scene.order(id(1)))
        }
        #expect(error?.canTryAgain == true)
        #expect(error?.protocolCode == .noSpace)
        files.clearFaults()
        _ = try scene.store.staging.commit(scene.order(id(1)))
        #expect(try Scene(files.afterPowerCut(seed: 0)).isGood(id(1)))
    }
}
