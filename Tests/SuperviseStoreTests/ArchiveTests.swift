import Glibc
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText
import TestSupport
import Testing

@Suite("the archive")
struct ArchiveTests {
    private let now = Timestamp(milliseconds: 1_700_000_000_000)
    private let first = "20231114T221320Z"
    private let second = "20231114T221321Z"
    private let third = "20231114T221322Z"

    private func names(_ scene: Scene, _ directory: String) throws -> [String] {
        try scene.files.list(directory).map(\.name).filter { $0 != ".trash" }
    }

    /// The store of an archived run, as a reader finds it.
    private func archived(_ scene: Scene, _ time: String) throws -> RunStore {
        let run = try #require(RunReference("run@\(time)"))
        let paths = RunPaths(archived: run, in: Scene.state)
        let located = try ArchivedRun(RunStore(paths, files: scene.files)).locatePayload()
        return RunStore(located, files: scene.files)
    }

    /// Archives the run, and begins the next one.
    private func archive(_ scene: Scene, at second: Double = 0) throws -> Archives.Moved? {
        let archived = try scene.store.archives.take(at: now.advanced(bySeconds: second))
        try scene.start()
        try scene.store.record.save(scene.record())
        return archived
    }

    private func isGood(_ store: RunStore, _ id: CheckpointID) throws -> Bool {
        guard case .good = try store.checkpoints.verify(id) else { return false }
        return true
    }

    @Test("a run is moved there whole, and is read there", arguments: [nil, "/big"])
    func moved(checkpointRoot: String?) throws {
        let scene = try Scene.begun(CrashFileSystem(), checkpointRoot: checkpointRoot)
        try scene.commit(id(1))
        let archived = try archive(scene)
        #expect(archived?.run.description == "run@\(first)")
        #expect(archived?.path == "/state/.archive/run-\(first)")
        #expect(try scene.store.checkpoints.scan().checkpoints.isEmpty)
        let store = try self.archived(scene, first)
        #expect(store.paths.payload == "\(checkpointRoot ?? "/state")/.archive/run-\(first)")
        #expect(try store.record.load() == scene.record())
        #expect(try isGood(store, id(1)))
        #expect(try StateDirectory(Scene.state, files: scene.files).archives() == [archived?.run])
    }

    @Test("two runs of one second get two names, and other runs' archives are left alone")
    func sameSecond() throws {
        let scene = try Scene.begun(CrashFileSystem())
        try scene.files.makeDirectory("/state/.archive")
        for name in ["run-b-20231114T221320Z", "run-2", "other-20231114T221320Z"] {
            try scene.files.makeDirectory("/state/.archive/\(name)")
        }
        #expect(try archive(scene)?.path == "/state/.archive/run-20231114T221320Z")
        #expect(try archive(scene)?.path == "/state/.archive/run-20231114T221321Z")
        #expect(try scene.store.archives.list().map(\.time) == [first, second])
        try scene.store.sweep()
        #expect(
            try names(scene, "/state/.archive") == [
                "other-20231114T221320Z", "run-2", "run-20231114T221320Z", "run-20231114T221321Z",
                "run-b-20231114T221320Z",
            ])
    }

    @Test("one that is archived when the clock was set back is the newest all the same")
    func clock() throws {
        let scene = try Scene.begun(CrashFileSystem())
        _ = try archive(scene)
        #expect(try archive(scene, at: -86_400)?.run.time == second)
        #expect(try archive(scene, at: -86_400)?.run.time == third)
    }

    @Test("where there is no run there is nothing to archive")
    func nothing() throws {
        let scene = try Scene(CrashFileSystem())
        try scene.start()
        try scene.files.removeTree(scene.store.paths.run)
        #expect(try scene.store.archives.take(at: now) == nil)
        #expect(try StateDirectory(Scene.state, files: scene.files).runs().isEmpty)
        #expect(try scene.store.archives.list() == [])
    }

    @Test("what is known of them is what decides", arguments: [nil, "/big"])
    func summaries(checkpointRoot: String?) throws {
        let scene = try Scene.begun(CrashFileSystem(), checkpointRoot: checkpointRoot)
        let pins: [String?] = [nil, "{\"format\":1,\"pins\":[\"000001\"]}", "good", "", nil]
        for (number, pin) in pins.enumerated() {
            try scene.commit(id(1))
            try scene.commit(id(2))
            if pin == "good" { try scene.store.pins.save([id(2)]) }
            if pin == "" { try scene.store.pins.save([]) }
            if number == 1, let pin {
                try scene.files.writeFile(scene.store.paths.pins, Array(pin.utf8))
            }
            if number == 3 {
                try scene.files.writeFile(scene.path(id(1), "manifest.json"), [1])
            }
            _ = try archive(scene, at: Double(number))
        }
        let found = try scene.store.archives.list()
        #expect(found.map(\.pins) == [[], nil, [id(2)], [], []])
        #expect(found.map(\.isPinned) == [false, true, true, false, false])
        #expect(
            found.map { $0.checkpoints.map(\.id) } == [
                [id(1), id(2)], [], [id(1), id(2)], [id(2)], [],
            ])
        #expect(found.map(\.damaged) == [[], [], [], [id(1)], []])
    }

    @Test("the disk of its checkpoints is not there: then nothing is known of it")
    func unmounted() throws {
        let scene = try Scene.begun(CrashFileSystem(), checkpointRoot: "/big")
        try scene.commit(id(1))
        _ = try archive(scene)
        _ = try archive(scene)
        try scene.files.rename("/big/.archive", to: "/elsewhere")
        #expect(try scene.store.archives.list().first?.pins == nil)
        #expect(try scene.store.archives.remove(first) == nil)
        try scene.files.rename("/elsewhere", to: "/big/.archive")
        #expect(try scene.store.archives.list().first?.pins == [])
    }

    @Test("one that is removed is gone, with its size told", arguments: [nil, "/big"])
    func removed(checkpointRoot: String?) throws {
        let scene = try Scene.begun(CrashFileSystem(), checkpointRoot: checkpointRoot)
        try scene.commit(id(1))
        try scene.files.writeFile("\(scene.store.paths.run)/large", Array(repeating: 1, count: 999))
        _ = try archive(scene)
        _ = try archive(scene)
        let bytes = try #require(try scene.store.archives.remove(first))
        #expect((1_500...9_000).contains(bytes), "\(bytes)")
        for root in Set(["/state", checkpointRoot ?? "/state"]) {
            #expect(try names(scene, "\(root)/.archive") == ["run-\(second)"])
            #expect(try scene.files.list("\(root)/.archive/.trash").isEmpty)
        }
        #expect(try scene.store.archives.remove(first) != nil, "what is gone is not in the way")
    }

    @Test("one with a checkpoint that somebody reads stays, and so does one that is pinned by now")
    func held() throws {
        let scene = try RealScene()
        try scene.scene.commit(id(1))
        _ = try scene.store.archives.take(at: now)
        try scene.scene.start()
        try scene.store.record.save(scene.scene.record())
        let run = try #require(RunReference("run@\(first)"))
        let paths = RunPaths(archived: run, in: scene.store.paths.stateDirectory)
        let reader = RunStore(paths)
        do {
            let hold = try reader.checkpoints.hold(id(1))
            #expect(try scene.store.archives.remove(first) == nil)
            #expect(try scene.store.archives.trim(first, removing: [id(1)]).gone == [])
            withExtendedLifetime(hold) {}
        }
        #expect(try ArchivedRun(reader).setPin(id(1), true))
        #expect(throws: StoreError.unknownCheckpoint(id(7))) {
            try ArchivedRun(reader).setPin(id(7), true)
        }
        #expect(try scene.store.archives.remove(first) == nil)
        #expect(try scene.store.archives.trim(first, removing: [id(1)]).gone == [])
        #expect(try ArchivedRun(reader).setPin(id(1), false))
        #expect(try scene.store.archives.remove(first) != nil)
        #expect(try ArchivedRun(reader).setPin(id(1), true) == false, "it is gone")
    }

    @Test("of one that is cut down the others are as they were", arguments: [nil, "/big"])
    func trimmed(checkpointRoot: String?) throws {
        let scene = try Scene.begun(CrashFileSystem(), checkpointRoot: checkpointRoot)
        for number: Int64 in 1...4 { try scene.commit(id(number)) }
        try scene.store.derived.append([event(1)])
        try scene.store.pins.save([id(3)])
        _ = try archive(scene)
        let trimmed = try scene.store.archives.trim(first, removing: [id(1), id(2), id(3), id(9)])
        #expect(trimmed.gone == [id(1), id(2), id(9)] && trimmed.bytes > 100, "\(trimmed)")
        let store = try archived(scene, first)
        #expect(try store.checkpoints.scan().checkpoints.map(\.id) == [id(3), id(4)])
        #expect(try isGood(store, id(3)) && isGood(store, id(4)))
        #expect(try store.derived.readEvents() == [event(1)])
        #expect(try store.record.load() == scene.record())
    }

    @Test("what was on its way out when a run was archived is swept there")
    func swept() throws {
        let scene = try Scene.begun(CrashFileSystem(), checkpointRoot: "/big")
        try scene.commit(id(1))
        _ = try scene.store.staging.make(id(2))
        try scene.files.makeDirectory("\(scene.store.paths.trash)/\(id(3))")
        _ = try archive(scene)
        let payload = "/big/.archive/run-\(first)"
        #expect(try scene.files.list("\(payload)/trash").count == 1)
        try scene.store.sweep()
        #expect(try scene.files.list("\(payload)/trash").isEmpty)
        #expect(try scene.files.list("\(payload)/staging").isEmpty)
        #expect(try isGood(try archived(scene, first), id(1)))
    }

    @Test("a state that was moved finds the checkpoints beside the record")
    func movedState() throws {
        let scene = try Scene.begun(CrashFileSystem())
        try scene.commit(id(1))
        _ = try archive(scene)
        try scene.files.rename("/state", to: "/moved")
        let run = try #require(RunReference("run@\(first)"))
        let paths = RunPaths(archived: run, in: "/moved")
        let located = try ArchivedRun(RunStore(paths, files: scene.files)).locatePayload()
        #expect(located == paths)
        #expect(try isGood(RunStore(located, files: scene.files), id(1)))
    }

    @Test("payloads that its checkpoints own go with it, unless another run of the name has them")
    func owned() throws {
        let scene = try Scene.begun(CrashFileSystem())
        try scene.files.makeDirectory("/out")
        var originals: [Original] = []
        for name in ["alone", "live", "archived", "trimmed"] {
            let original = Original(path: "/out/\(name)", isDirectory: true)
            try original.make(on: scene.files)
            originals.append(original)
        }
        for (index, original) in originals.enumerated() {
            try scene.add(id(Int64(index + 1)), original, .own)
        }
        _ = try archive(scene)
        // The same number in both, so that one is not taken for the other.
        try scene.add(id(3), originals[2], .own)
        try scene.add(id(4), originals[3], .own)
        _ = try archive(scene)
        try scene.add(id(2), originals[1], .own)
        let trimmed = try scene.store.archives.trim(first, removing: [id(2), id(4)])
        #expect(trimmed.gone == [id(2), id(4)] && originals[1].isWhole(on: scene.files))
        #expect(originals[3].isWhole(on: scene.files))
        #expect(try scene.store.archives.remove(first) != nil)
        #expect(originals[0].isGone(on: scene.files))
        #expect(originals[1].isWhole(on: scene.files))
        #expect(originals[2].isWhole(on: scene.files))
        // And the run's own go only where no archive has them.
        try scene.add(id(6), originals[2], .own)
        try scene.commit(id(7))
        #expect(try scene.store.trash.remove([id(6)]) == [id(6)])
        #expect(originals[2].isWhole(on: scene.files))
        #expect(try isGood(try archived(scene, second), id(3)))
        #expect(try scene.store.archives.remove(second) != nil)
        #expect(originals[2].isGone(on: scene.files))
    }

    @Test("where there is no room for a trash, it is hidden beside the others, and swept")
    func noRoom() throws {
        let files = CrashFileSystem()
        let scene = try Scene.begun(files)
        try scene.commit(id(1))
        _ = try archive(scene)
        try files.removeTree("/state/.archive/.trash")
        files.inject(.init(ENOSPC, call: "mkdir"))
        #expect(try scene.store.archives.remove(first) != nil)
        #expect(try scene.files.list("/state/.archive").isEmpty)
        files.clearFaults()
        // Killed before it was deleted.
        _ = try archive(scene)
        try scene.files.rename(
            "/state/.archive/run-\(first)", to: "/state/.archive/.run-\(first)")
        #expect(try scene.store.archives.list() == [])
        try scene.store.sweep()
        #expect(try names(scene, "/state/.archive").isEmpty)
    }
}
