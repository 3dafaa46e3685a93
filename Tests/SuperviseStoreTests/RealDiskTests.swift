import Glibc
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import TestSupport
import Testing

/// A run on the machine's own disk, and the directory that goes with it.
struct RealScene {
    let scratch: Scratch
    let scene: Scene
    var store: RunStore { scene.store }
    let disk = Disk()

    init() throws {
        scratch = try Scratch()
        scene = try Scene.begun(Disk(), state: scratch.path)
    }

    /// Begins a checkpoint with these files below its directory of data.
    func begin(_ id: CheckpointID, _ files: [(String, [UInt8])]) throws -> String {
        let data = try store.staging.make(id)
        for (name, content) in files { try disk.writeFile("\(data)/\(name)", content) }
        return data
    }

    /// What `sha256sum -c` says of a checkpoint, without us.
    func sha256sum(_ id: CheckpointID) throws -> Int32 {
        let directory = store.paths.checkpoint(id)
        return try ShellCommand("cd \(directory) && sha256sum --quiet -c SHA256SUMS 2>&1").finish()
    }
}

@Suite("checkpoints on a real disk")
struct RealDiskTests {
    static let oddNames = [
        "with space", " ", "new\nline", "carriage\rreturn", "back\\slash", "\\n", "tab\t", "-n",
        "*", "uni-ñ-漢字-🧪", "caf\u{E9}", "cafe\u{301}", "quote'\"", "percent%s", "#", "~",
        "SHA256SUMS", "manifest.json",
    ]

    @Test("sha256sum -c verifies a checkpoint by itself, whatever its files are called")
    func oddNames() throws {
        let real = try RealScene()
        let files = Self.oddNames.map { ($0, Array("content of \($0)".utf8)) }
        _ = try real.begin(id(1), files)
        let summary = try real.store.staging.commit(real.scene.order(id(1)))
        #expect(summary.bytes == files.reduce(0) { $0 + Int64($1.1.count) })
        #expect(try real.sha256sum(id(1)) == 0)
        #expect(try real.scene.isGood(id(1)))
        let list = try real.disk.list("\(real.store.paths.checkpoint(id(1)))/data")
        #expect(list.count == Self.oddNames.count)
        // The probe itself: it does see a difference.
        try real.disk.writeFile(real.scene.path(id(1), "data/with space"), [0])
        #expect(try real.sha256sum(id(1)) == 1)
    }

    @Test("one bit that flips anywhere is found")
    func bitFlips() throws {
        let real = try RealScene()
        let content = (0..<3_000_001).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        _ = try real.begin(id(1), [("model.bin", content), ("small", [1])])
        _ = try real.store.staging.commit(real.scene.order(id(1)))
        for name in ["data/model.bin", "data/small", "manifest.json", "SHA256SUMS"] {
            let path = real.scene.path(id(1), name)
            let good = try real.disk.readFile(path, limit: 1 << 24)
            for position in [0, good.count / 2, good.count - 1] {
                var bad = good
                bad[position] ^= 0x10
                try real.disk.writeFile(path, bad)
                let verification = try real.store.checkpoints.verify(id(1))
                guard case .bad(let reason) = verification else {
                    Issue.record("\(name) at \(position): \(verification)")
                    continue
                }
                #expect(!reason.isEmpty && !reason.contains(real.scratch.path))
            }
            try real.disk.writeFile(path, good)
            #expect(try real.scene.isGood(id(1)))
        }
    }

    @Test("a file that is missing, too much, cut off, or no file any more is found, and named")
    func otherDamage() throws {
        let real = try RealScene()
        try real.scene.commit(id(1))
        let file = real.scene.path(id(1), "data/model.bin")
        func reason() throws -> String {
            guard case .bad(let reason) = try real.store.checkpoints.verify(id(1)) else {
                return "good"
            }
            return reason
        }
        let good = try real.disk.readFile(file, limit: 1000)
        try real.disk.writeFile(file, Array(good.dropLast()))
        #expect(try reason() == "data/model.bin: 19 bytes instead of 20")
        try real.disk.removeFile(file)
        #expect(try reason() == "data/model.bin is missing")
        try systemCall("mkfifo") { mkfifo(file, 0o600) }
        #expect(try reason().hasPrefix("data/model.bin is a socket, a FIFO or a device"))
        try real.disk.removeFile(file)
        try real.disk.writeFile(file, Array(repeating: 0, count: good.count))
        #expect(try reason() == "data/model.bin: SHA-256 differs")
        try real.disk.writeFile(file, good)
        #expect(try reason() == "good")
        try real.disk.writeFile("\(file).old", [])
        #expect(try reason() == "data/model.bin.old does not belong to it")
        try real.disk.removeFile("\(file).old")
        try real.disk.removeTree(real.scene.path(id(1), "data"))
        #expect(try reason() == "data is missing")
        try real.disk.removeFile(real.scene.path(id(1), "SHA256SUMS"))
        #expect(try reason() == "SHA256SUMS is missing")
    }

    @Test("files and directories are for their owner only")
    func permissions() throws {
        let real = try RealScene()
        let before = umask(0)
        defer { umask(before) }
        try real.scene.commit(id(1))
        let directory = real.store.paths.checkpoint(id(1))
        for path in [directory, "\(directory)/data", real.store.paths.run] {
            #expect(try real.disk.status(path).mode == 0o700)
        }
        for path in [
            "\(directory)/manifest.json", "\(directory)/SHA256SUMS", real.store.paths.record,
        ] {
            #expect(try real.disk.status(path).mode == 0o600)
        }
    }

    @Test("a commit is cancelled between two pieces of a large file, and can be made again")
    func cancelled() throws {
        let real = try RealScene()
        _ = try real.begin(id(1), [("large", [UInt8](repeating: 7, count: 20 << 20))])
        let asked = Counter()
        let error = #expect(throws: StoreError.self) {
            try real.store.staging.commit(
                real.scene.order(id(1)), isCancelled: { asked.next() == 3 })
        }
        #expect(error == .cancelled)
        #expect(asked.value == 3)
        #expect(try real.store.checkpoints.scan().checkpoints.isEmpty)
        _ = try real.store.staging.commit(real.scene.order(id(1)))
        let bytes = Total()
        _ = try real.store.checkpoints.verify(id(1), progress: { bytes.add($0) })
        #expect(bytes.count == 20 << 20)
        #expect(throws: StoreError.cancelled) {
            try real.store.checkpoints.verify(id(1), isCancelled: { true })
        }
    }

    @Test("a file that is written to during the commit is named, and nothing is committed")
    func changed() throws {
        let real = try RealScene()
        let data = try real.begin(
            id(1), [("a", [1]), ("large", [UInt8](repeating: 7, count: 3 << 20))])
        // The file that is being read, one that is read later, one that was before, a new one.
        for (name, named, position) in [
            ("large", "/large", 2), ("a", "/a", 2), ("large", "/large", 4), ("b", "", 2),
        ] {
            let asked = Counter()
            let error = #expect(throws: StoreError.self) {
                try real.store.staging.commit(
                    real.scene.order(id(1)),
                    isCancelled: {
                        // The fourth question is that of the small file.
                        if asked.next() == position {
                            try? Disk().append([8], to: "\(data)/\(name)")
                        }
                        return false
                    })
            }
            #expect(error == .changed("\(data)\(named)"))
            #expect(try real.store.checkpoints.scan().checkpoints.isEmpty)
        }
        _ = try real.store.staging.commit(real.scene.order(id(1)))
        #expect(try real.scene.isGood(id(1)))
    }

    @Test("what this process has hashed is not read again, unless it was touched")
    func trusting() throws {
        let real = try RealScene()
        try real.scene.commit(id(1))
        func bytesRead(trusting: Bool) throws -> Int {
            let bytes = Total()
            let verification = try real.store.checkpoints.verify(
                id(1), .init(isTrusting: trusting), progress: { bytes.add($0) })
            guard case .good = verification else { return -1 }
            return bytes.count
        }
        let all = try bytesRead(trusting: false)
        #expect(all > 20)
        #expect(try bytesRead(trusting: true) == 0)
        let file = real.scene.path(id(1), "data/model.bin")
        let content = try real.disk.readFile(file, limit: 100)
        try real.disk.writeFile(file, content)
        #expect(try bytesRead(trusting: true) == content.count)
        real.store.checkpoints.verified.forgetAll()
        #expect(try bytesRead(trusting: true) == all)
    }

    @Test("files are verified on several threads, every byte once, and rot is found on any of them")
    func inParallel() throws {
        let real = try RealScene()
        let files = (0..<20).map {
            ("file\($0)", [UInt8](repeating: UInt8($0), count: 1 + $0 * 9_999))
        }
        _ = try real.begin(id(1), files)
        _ = try real.store.staging.commit(real.scene.order(id(1)))
        let lane = WorkerLane(name: "test", threads: 4)
        let bytes = Total()
        let good = try real.store.checkpoints.verify(
            id(1), beside: lane, progress: { bytes.add($0) })
        guard case .good = good else { throw Unexpected("\(good)") }
        #expect(bytes.count == files.reduce(0) { $0 + $1.1.count })
        for number in [0, 7, 19] {
            let file = real.scene.path(id(1), "data/file\(number)")
            let content = try real.disk.readFile(file, limit: 1 << 20)
            try real.disk.writeFile(file, content.dropLast() + [UInt8(200)])
            #expect(
                try real.store.checkpoints.verify(id(1), beside: lane)
                    == .bad(reason: "data/file\(number): SHA-256 differs"))
            try real.disk.writeFile(file, content)
        }
        #expect(throws: StoreError.cancelled) {
            try real.store.checkpoints.verify(id(1), beside: lane, isCancelled: { true })
        }
    }
}
