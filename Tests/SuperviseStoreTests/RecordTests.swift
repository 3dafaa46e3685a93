import Glibc
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText
import TestSupport
import Testing

@Suite("the record, and what there is")
struct RecordTests {
    private func text(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test("where there is no run there is no record, and asking makes nothing")
    func nothing() throws {
        let files = CrashFileSystem()
        let scene = try Scene(files)
        #expect(try scene.store.record.load() == nil)
        #expect(try StateDirectory(Scene.state, files: files).runs().isEmpty)
        #expect(throws: StoreError.missing("/state/run/checkpoints")) {
            try scene.store.checkpoints.scan()
        }
        #expect(files.mutations == 0)
    }

    @Test("reading never writes")
    func readOnly() throws {
        let files = CrashFileSystem()
        let scene = try Scene.begun(files)
        try scene.commit(id(1))
        try scene.store.derived.publish(status(attempt: 1))
        try scene.store.derived.append([event(1)])
        try files.writeFile(scene.store.paths.record + ".tmp", text("{"))
        files.clearCalls()
        let reader = try Scene(files)
        _ = try reader.store.record.load()
        _ = try reader.store.checkpoints.scan()
        _ = try reader.store.checkpoints.verify(id(1))
        _ = try reader.store.derived.readStatus()
        _ = try reader.store.derived.readEvents()
        _ = try reader.store.staging.size(id(1))
        #expect(try StateDirectory(Scene.state, files: files).runs().map(\.description) == ["run"])
        #expect(files.mutations == 0)
    }

    @Test("a start syncs what a record needs, once, and no more")
    func syncs() throws {
        func syncs(_ files: CrashFileSystem, _ body: () throws -> Void) rethrows -> [String] {
            files.clearCalls()
            try body()
            return files.calls.filter { $0.name == "fsync" }.map(\.path)
        }
        let files = CrashFileSystem()
        let scene = try Scene(files)
        try #expect(
            syncs(files) { try StateDirectory(Scene.state, files: files).prepare() } == ["/"])
        try #expect(syncs(files) { try scene.start() }.isEmpty)
        let first = try syncs(files) { try scene.store.record.save(scene.record()) }
        #expect(first == ["/state/run/run.json.tmp", "/state", "/state/run"])
        let second = try syncs(files) { try scene.store.record.save(scene.record()) }
        #expect(second == ["/state/run/run.json.tmp", "/state/run"])
        let split = try Scene(files, state: "/other", checkpointRoot: "/big")
        try split.start()
        let apart = try syncs(files) { try split.store.record.save(split.record()) }
        #expect(
            apart == ["/other/run/run.json.tmp", "/other", "/big/run", "/big", "/other/run"])
    }

    @Test("a commit syncs each file and each directory once, and four things more")
    func commitSyncs() throws {
        let files = CrashFileSystem()
        let scene = try Scene.begun(files)
        try scene.write(id(1))
        files.clearCalls()
        _ = try scene.store.staging.commit(scene.order(id(1)))
        let synced = files.calls.filter { $0.name == "fsync" }.map(\.path)
        // manifest.json, SHA256SUMS, the checkpoint's directory, checkpoints/.
        #expect(synced.count == 3 + 2 + 4)
        #expect(Set(synced).count == synced.count)
        #expect(synced.last == "/state/run/checkpoints")
    }

    @Test(
        "a record that is garbage is said to be, and stays as it is",
        arguments: [
            "", "{", "[]", "{\"format\":1}", "{\"format\":0}", "\u{0}\u{0}\u{0}",
        ])
    func garbage(content: String) throws {
        let scratch = try Scratch()
        let scene = try Scene.begun(Disk(), state: scratch.path)
        try scene.files.writeFile(scene.store.paths.record, text(content))
        try scene.start()
        let error = #expect(throws: StoreError.self) { try scene.store.record.load() }
        guard case .garbage(let path, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(path == scene.store.paths.record)
        #expect(try scene.files.readFile(path, limit: 100) == text(content))
    }

    @Test("a record, manifest or status of a newer format is refused and stays")
    func newerFormat() throws {
        let scene = try Scene.begun(CrashFileSystem())
        try scene.commit(id(1))
        let newer = text("{\"format\":2,\"surprise\":true}")
        let manifest = scene.path(id(1), "manifest.json")
        try scene.files.writeFile(manifest, newer)
        // The checksums say that it is another one, with a rotten digit.
        #expect(
            try scene.store.checkpoints.scan().damaged.map(\.reason) == [
                "manifest.json: SHA-256 differs"
            ])
        let sums = "\(Digest.of(newer).hex)  manifest.json\n"
        try scene.files.writeFile(scene.path(id(1), "SHA256SUMS"), text(sums))
        #expect(throws: StoreError.newerFormat(path: manifest, format: 2)) {
            try scene.store.checkpoints.scan()
        }
        #expect(throws: StoreError.newerFormat(path: manifest, format: 2)) {
            try scene.store.checkpoints.verify(id(1))
        }
        let record = scene.store.paths.record
        try scene.files.writeFile(record, text("{\"format\":3,\"surprise\":true}"))
        #expect(throws: StoreError.newerFormat(path: record, format: 3)) {
            try scene.store.record.load()
        }
        let path = scene.store.paths.status
        try scene.files.writeFile(path, newer)
        #expect(throws: StoreError.newerFormat(path: path, format: 2)) {
            try scene.store.derived.publish(status(attempt: 1))
        }
        #expect(try scene.files.readFile(path, limit: 100) == newer)
    }

    @Test("something that is no file in a file's place is garbage, and nothing waits for it")
    func fifo() throws {
        let scratch = try Scratch()
        let scene = try Scene.begun(Disk(), state: scratch.path)
        let paths = scene.store.paths
        for path in [paths.record, paths.status, paths.events] {
            try? scene.files.removeFile(path)
            try systemCall("mkfifo") { mkfifo(path, 0o600) }
        }
        let error = #expect(throws: StoreError.self) { try scene.store.record.load() }
        #expect(error == .garbage(path: paths.record, reason: "it is no regular file"))
        try scene.store.derived.publish(status(attempt: 1))
        try scene.store.derived.append([event(1)])
        #expect(try scene.store.derived.readStatus()?.attempt == 1)
        #expect(try scene.store.derived.readEvents() == [event(1)])
        #expect(try scene.files.status("\(paths.events).bad").kind == .other)
    }

    @Test("a disk that is not mounted does not look like an empty one")
    func unmounted() throws {
        let files = CrashFileSystem()
        let scene = try Scene.begun(files, checkpointRoot: "/big")
        try scene.commit(id(1))
        try files.rename("/big/run", to: "/elsewhere")
        let next = try Scene(files, checkpointRoot: "/big")
        try next.start()
        #expect(throws: StoreError.missing("/big/run/checkpoints")) {
            try next.store.checkpoints.scan()
        }
        #expect(throws: StoreError.missing("/big/run/checkpoints")) {
            try next.store.checkpoints.verify(id(1))
        }
    }

    @Test("a scan tells the good from the damaged, and leaves alone what is not ours")
    func scan() throws {
        let scene = try Scene.begun(CrashFileSystem())
        for number in [3, 10, 2, 1] { try scene.commit(id(Int64(number))) }
        let paths = scene.store.paths
        try scene.files.removeFile(scene.path(id(2), "manifest.json"))
        try scene.files.writeFile(scene.path(id(3), "manifest.json"), text("{"))
        try scene.files.makeDirectory("\(paths.checkpoints)/000004-of-mine")
        try scene.files.writeFile("\(paths.checkpoints)/000005", text("a file"))
        _ = try scene.store.staging.make(id(12))
        let scan = try scene.store.checkpoints.scan()
        #expect(scan.checkpoints.map(\.id) == [id(1), id(10)])
        #expect(scan.damaged.map(\.id) == [id(2), id(3)])
        #expect(scan.damaged.first?.reason == "manifest.json is missing")
        #expect(scan.highestSequence == 12)
        #expect(scan.staging == ["\(id(12))"])
        #expect(scan.checkpoints.last?.metrics == ["loss": 0.5])
    }

    @Test("a manifest of another checkpoint is bad")
    func mixedUp() throws {
        let scene = try Scene.begun(CrashFileSystem())
        try scene.commit(id(1))
        try scene.files.rename(
            scene.store.paths.checkpoint(id(1)), to: scene.store.paths.checkpoint(id(2)))
        #expect(try scene.store.checkpoints.scan().damaged.map(\.id) == [id(2)])
        #expect(
            try scene.store.checkpoints.verify(id(2))
                == .bad(reason: "its manifest is that of \(id(1))"))
    }

    @Test("what this process has begun is not swept")
    func sweep() throws {
        let files = CrashFileSystem()
        try Scene.begun(files).write(id(1))
        let scene = try Scene(files)
        try scene.write(id(2))
        try scene.store.sweep()
        #expect(try scene.store.checkpoints.scan().staging == ["\(id(2))"])
        _ = try scene.store.staging.commit(scene.order(id(2)))
    }

    @Test("an I/O error in a payload is no damage")
    func unreadable() throws {
        let files = CrashFileSystem()
        let scene = try Scene.begun(files)
        try scene.commit(id(1))
        files.inject(.init(EIO, call: "read"))
        let error = #expect(throws: StoreError.self) { try scene.store.checkpoints.verify(id(1)) }
        #expect(error?.systemError?.code == EIO)
    }

    @Test("rot that no time stamp shows is found when all is read again")
    func rot() throws {
        let files = CrashFileSystem()
        let scene = try Scene.begun(files)
        try scene.commit(id(1))
        try files.rot(scene.path(id(1), "data/model.bin")) { $0[0] ^= 1 }
        #expect(
            try scene.store.checkpoints.verify(id(1))
                == .bad(reason: "data/model.bin: SHA-256 differs"))
    }
}
