import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import TestSupport
import Testing

@Suite("the archive")
struct ArchiveTests {
    private let now = Timestamp(milliseconds: 1_700_000_000_000)

    private func names(_ scene: Scene, _ directory: String) throws -> [String] {
        try scene.files.list(directory).map(\.name)
    }

    @Test("the newest archived run is kept, and any with pins", arguments: [nil, "/big"])
    func kept(checkpointRoot: String?) throws {
        let scene = try Scene.begun(CrashFileSystem(), checkpointRoot: checkpointRoot)
        // What cannot be read may hold pins.
        let pins: [String?] = [nil, "{\"format\":1,\"pins\":[\"000001\"]}", "", nil, nil]
        for (number, pin) in pins.enumerated() {
            try scene.commit(id(1))
            if pin == "" {
                try scene.store.save(pins: [])
            } else if let pin {
                try scene.files.writeFile(scene.store.paths.pins, Array(pin.utf8))
            }
            let place = try scene.store.archiveRun(at: now.advanced(bySeconds: Double(number)))
            #expect(place == "/state/.archive/run-20231114T22132\(number)Z")
            #expect(try scene.store.loadRecord() == nil)
            try scene.start()
            try scene.store.save(scene.record())
            #expect(try scene.store.scan().checkpoints.isEmpty)
        }
        let kept = ["run-20231114T221321Z", "run-20231114T221324Z"]
        #expect(try names(scene, "/state/.archive").filter { $0 != ".trash" } == kept)
        if let checkpointRoot {
            let directory = "\(checkpointRoot)/.archive"
            #expect(try names(scene, directory).filter { $0 != ".trash" } == kept)
            #expect(try names(scene, "\(directory)/.trash").isEmpty)
        }
        #expect(try names(scene, "/state/.archive/.trash").isEmpty)
    }

    @Test("two runs of one second get two names, and other runs' archives are left alone")
    func sameSecond() throws {
        let scene = try Scene.begun(CrashFileSystem())
        try scene.files.makeDirectory("/state/.archive")
        for name in ["run-b-20231114T221320Z", "run-2", "other-20231114T221320Z"] {
            try scene.files.makeDirectory("/state/.archive/\(name)")
        }
        #expect(try scene.store.archiveRun(at: now) == "/state/.archive/run-20231114T221320Z")
        try scene.start()
        try scene.store.save(scene.record())
        #expect(try scene.store.archiveRun(at: now) == "/state/.archive/run-20231114T221321Z")
        #expect(
            try names(scene, "/state/.archive").filter { $0 != ".trash" } == [
                "other-20231114T221320Z", "run-2", "run-20231114T221321Z", "run-b-20231114T221320Z",
            ])
    }

    @Test("where there is no run there is nothing to archive")
    func nothing() throws {
        let scene = try Scene(CrashFileSystem())
        try scene.start()
        try scene.files.removeTree(scene.store.paths.run)
        #expect(try scene.store.archiveRun(at: now) == nil)
        #expect(try StateDirectory(Scene.state, files: scene.files).runs().isEmpty)
    }
}
