import Glibc
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import TestSupport
import Testing

@Suite("files that a job wrote itself")
struct AddTests {
    private func add(_ real: RealScene, _ path: String) throws -> CheckpointSummary {
        try real.store.staging.add(AddOrder(source: path, commit: real.scene.order(id(1))))
    }

    @Test("a single file is given back as a file, under its own name")
    func singleFile() throws {
        let real = try RealScene()
        let other = try Scratch()
        let content = [UInt8](repeating: 9, count: (1 << 20) + 17)
        try real.disk.writeFile("\(other.path)/model.pt", content)
        try systemCall("chmod") { chmod("\(other.path)/model.pt", 0o755) }
        try real.disk.makeLink("\(other.path)/latest", to: "model.pt")
        let summary = try add(real, "\(other.path)/latest")
        #expect(summary.path == real.scene.path(id(1), "data/model.pt"))
        #expect(try real.disk.readFile(summary.path, limit: 1 << 24) == content)
        #expect(try real.disk.status(summary.path).mode == 0o700)
        #expect(try real.store.checkpoints.scan().checkpoints == [summary])
        #expect(try real.scene.isGood(id(1)))
        #expect(try real.disk.status("\(other.path)/model.pt").size == Int64(content.count))
    }

    @Test("a directory is taken with what is in it")
    func directory() throws {
        let real = try RealScene()
        let other = try Scratch()
        try real.disk.makeDirectory("\(other.path)/run-é")
        try real.disk.makeDirectory("\(other.path)/run-é/weights")
        try real.disk.writeFile("\(other.path)/run-é/weights/1", [1])
        try real.disk.writeFile("\(other.path)/run-é/options", [2])
        try real.disk.makeLink("\(other.path)/run-é/newest", to: "weights/1")
        let summary = try add(real, "\(other.path)/run-é")
        #expect(summary.path == real.scene.path(id(1), "data/run-é"))
        #expect(try real.disk.readFile("\(summary.path)/weights/1", limit: 9) == [1])
        #expect(try real.disk.readLink("\(summary.path)/newest") == "weights/1")
        #expect(try real.scene.isGood(id(1)))
    }

    @Test("what cannot be added is said, and leaves nothing behind")
    func refused() throws {
        let real = try RealScene()
        let other = try Scratch()
        try systemCall("mkfifo") { mkfifo("\(other.path)/pipe", 0o600) }
        try real.disk.makeDirectory("\(other.path)/empty")
        let paths = [
            "relative", "\(other.path)/nothing", "\(other.path)/pipe", other.path, "/",
            real.scratch.path, real.store.paths.payload,
        ]
        for path in paths {
            let error = #expect(throws: StoreError.self, "\(path)") { try add(real, path) }
            #expect(error?.protocolCode == .badPath, "\(path): \(String(describing: error))")
        }
        #expect(throws: StoreError.emptyCheckpoint(id(1))) { try add(real, "\(other.path)/empty") }
        let scan = try real.store.checkpoints.scan()
        #expect(scan.checkpoints.isEmpty && scan.staging.isEmpty && scan.trash.isEmpty)
    }

    @Test("a copy can be cut short")
    func cancelled() throws {
        let real = try RealScene()
        let other = try Scratch()
        try real.disk.writeFile("\(other.path)/large", [UInt8](repeating: 1, count: 40 << 20))
        let order = AddOrder(source: "\(other.path)/large", commit: real.scene.order(id(1)))
        let asked = Counter()
        #expect(throws: StoreError.cancelled) {
            try real.store.staging.add(order, isCancelled: { asked.next() == 2 })
        }
        #expect(try real.store.checkpoints.scan().staging.isEmpty)
    }
}
