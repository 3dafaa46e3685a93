import Glibc
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import TestSupport
import Testing

@Suite("the ways to add what a job wrote itself")
struct AddModeTests {
    private let real: RealScene
    /// A directory of the job's.
    private let home: Scratch

    init() throws {
        real = try RealScene()
        home = try Scratch()
    }

    private func original(isDirectory: Bool, _ name: String = "out") throws -> Original {
        let original = Original(path: "\(home.path)/\(name)", isDirectory: isDirectory)
        try original.make(on: real.disk)
        return original
    }

    private func isGood(_ sequence: Int64) throws -> Bool {
        try real.scene.isGood(id(sequence)) && real.sha256sum(id(sequence)) == 0
    }

    @Test(
        "what is moved is the same file, and is gone from where it was", arguments: [false, true])
    func move(isDirectory: Bool) throws {
        let original = try original(isDirectory: isDirectory)
        let file = try #require(original.contents.first)
        let inode = try real.disk.status(file.path).inode
        let summary = try real.scene.add(id(1), original, .move)
        #expect(original.isGone(on: real.disk))
        let place = "data/out"
        #expect(summary.path == real.scene.path(id(1), place))
        let moved = isDirectory ? "\(summary.path)/a" : summary.path
        #expect(try real.disk.status(moved).inode == inode)
        #expect(try isGood(1))
        if isDirectory { #expect(try real.disk.readLink("\(summary.path)/latest") == "part/b") }
        // It was hashed by us, and nothing of it is read again.
        let read = Total()
        _ = try real.store.checkpoints.verify(
            id(1), .init(isTrusting: true), progress: { read.add($0) })
        #expect(read.count == 0)
    }

    @Test(
        "what is moved from another file system is copied, and goes once the copy is durable",
        arguments: [false, true])
    func moveAcross(isDirectory: Bool) throws {
        let memory = try Scratch(in: "/dev/shm")
        let device = try real.disk.status(memory.path).device
        try #require(try real.disk.status(real.scratch.path).device != device)
        let original = Original(path: "\(memory.path)/out", isDirectory: isDirectory)
        try original.make(on: real.disk)
        var warnings: [String] = []
        try real.scene.add(id(1), original, .move) { warnings.append($0) }
        #expect(original.isGone(on: real.disk))
        #expect(try isGood(1))
        #expect(warnings.isEmpty)
    }

    @Test("where more has come to what was copied meanwhile, only what was taken goes")
    func moveOfWhatGrows() throws {
        let memory = try Scratch(in: "/dev/shm")
        let original = Original(path: "\(memory.path)/out", isDirectory: true)
        try original.make(on: real.disk)
        var warnings: [String] = []
        let order = AddOrder(
            source: original.path, mode: .move, commit: real.scene.order(id(1)))
        let asked = Counter()
        _ = try real.store.staging.add(
            order,
            isCancelled: {
                if asked.next() == 1 { try? Disk().writeFile("\(original.path)/new", [9]) }
                return false
            }, warn: { warnings.append($0) })
        #expect(try real.disk.list(original.path).map(\.name) == ["new"])
        #expect(warnings == ["\(original.path) was copied, and stays, for it holds more by now"])
        #expect(try isGood(1))
    }

    @Test(
        "what is owned stays where it is, and goes with its checkpoint", arguments: [false, true])
    func own(isDirectory: Bool) throws {
        let original = try original(isDirectory: isDirectory)
        let summary = try real.scene.add(id(1), original, .own)
        #expect(summary.path == original.path)
        #expect(original.isWhole(on: real.disk))
        #expect(try isGood(1))
        #expect(try real.store.checkpoints.scan().checkpoints == [summary])
        #expect(try real.store.trash.remove([id(1)]) == [id(1)])
        #expect(original.isGone(on: real.disk))
        #expect(try real.disk.list(home.path).isEmpty)
    }

    @Test("what is owned and was written anew since, or is claimed by another, stays")
    func ownedOnce() throws {
        let file = try original(isDirectory: false, "file")
        let tree = try original(isDirectory: true, "tree")
        try real.scene.add(id(1), file, .own)
        try real.scene.add(id(2), tree, .own)
        try real.scene.add(id(3), tree, .own)
        try real.disk.writeFile(file.path, Array("WEIGHTS".utf8))
        #expect(try !real.scene.isGood(id(1)))
        try real.disk.writeFile("\(tree.path)/later", [1])
        // What came later is none of its business.
        #expect(try isGood(2))
        // Another process, that has not looked yet.
        let other = RunStore(real.store.paths)
        #expect(try other.trash.remove([id(1), id(2)]).count == 2)
        #expect(try real.disk.readFile(file.path, limit: 10) == Array("WEIGHTS".utf8))
        #expect(tree.isWhole(on: real.disk))
        #expect(try other.trash.remove([id(3)]).count == 1)
        #expect(try real.disk.list(tree.path).map(\.name) == ["later"])
    }

    @Test("what is owned goes also where its checkpoint went to the trash and no further")
    func ownedAndSwept() throws {
        let original = try original(isDirectory: true)
        try real.scene.add(id(1), original, .own)
        let trash = real.store.paths.trash
        try? real.disk.makeDirectory(trash)
        try real.disk.rename(
            real.store.paths.checkpoint(id(1)), to: "\(trash)/\(id(1)).owned")
        try RunStore(real.store.paths).sweep()
        #expect(original.isGone(on: real.disk))
    }

    @Test("what an archived checkpoint owned stays if one of the same id has taken it since")
    func ownedInAnArchive() throws {
        let original = try original(isDirectory: true)
        try real.scene.add(id(1), original, .own)
        let archived = try #require(
            try real.store.archives.take(at: Timestamp(milliseconds: 1_700_000_000_000)))
        try real.scene.start()
        try real.store.record.save(real.scene.record())
        try real.scene.add(id(1), original, .own)
        let trash = "\(real.store.paths.stateDirectory)/.archive/.trash"
        try? real.disk.makeDirectory(trash)
        try real.disk.rename(archived.path, to: "\(trash)/\(archived.run.label)")
        // Another process, that has not looked yet.
        try RunStore(real.store.paths).sweep()
        #expect(try real.disk.list(trash).isEmpty)
        #expect(original.isWhole(on: real.disk))
        #expect(try isGood(1))
    }

    @Test("of two files whose names differ only in the spelling of é one can go without the other")
    func ownedNames() throws {
        let composed = try original(isDirectory: true, "caf\u{E9}")
        let decomposed = try original(isDirectory: true, "cafe\u{301}")
        try real.scene.add(id(1), composed, .own)
        try real.scene.add(id(2), decomposed, .own)
        #expect(try RunStore(real.store.paths).trash.remove([id(1)]) == [id(1)])
        #expect(composed.isGone(on: real.disk) && decomposed.isWhole(on: real.disk))
        #expect(try isGood(2))
    }

    @Test("what was to be owned stays where the commit fails")
    func ownFails() throws {
        let original = try original(isDirectory: true)
        let order = AddOrder(source: original.path, mode: .own, commit: real.scene.order(id(1)))
        let asked = Counter()
        #expect(throws: StoreError.self) {
            // The last question comes when all is written but the name.
            try real.store.staging.add(order, isCancelled: { asked.next() == 6 })
        }
        #expect(asked.value == 6)
        try real.store.sweep()
        #expect(original.isWhole(on: real.disk))
        let scan = try real.store.checkpoints.scan()
        #expect(scan.staging.isEmpty && scan.trash.isEmpty && scan.checkpoints.isEmpty)
    }

    @Test("what is referred to is never deleted, and where it is gone the checkpoint is bad")
    func reference() throws {
        let file = try original(isDirectory: false, "file")
        let tree = try original(isDirectory: true, "tree")
        #expect(try real.scene.add(id(1), file, .reference).path == file.path)
        #expect(try real.scene.add(id(2), tree, .reference).path == tree.path)
        #expect(try isGood(1) && isGood(2))
        #expect(try real.store.trash.remove([id(1)]) == [id(1)])
        #expect(file.isWhole(on: real.disk))
        try real.disk.removeFile("\(tree.path)/part/b")
        let gone = try real.store.checkpoints.verify(id(2))
        #expect(gone == .bad(reason: "\(tree.path)/part/b is missing"))
    }

    @Test("where not even the directory of what was left outside is there, nothing is called bad")
    func unmounted() throws {
        let memory = try Scratch(in: "/dev/shm")
        try real.disk.makeDirectory("\(memory.path)/disk")
        let original = Original(path: "\(memory.path)/disk/out", isDirectory: false)
        try original.make(on: real.disk)
        try real.scene.add(id(1), original, .own)
        try real.disk.rename("\(memory.path)/disk", to: "\(memory.path)/away")
        #expect(throws: StoreError.missing("\(memory.path)/disk")) {
            try real.store.checkpoints.verify(id(1))
        }
    }

    @Test("what is kept here already can be copied, and nothing else", arguments: AddMode.allCases)
    func ourOwn(mode: AddMode) throws {
        let kept = try real.scene.commit(id(1))
        let inner = Original(path: "\(kept.path)/part", isDirectory: true)
        if mode == .copy {
            try real.scene.add(id(2), inner, mode)
        } else {
            let error = #expect(throws: StoreError.self) { try real.scene.add(id(2), inner, mode) }
            #expect(error?.protocolCode == .badPath)
        }
        #expect(try isGood(1))
    }

    @Test("what no checkpoint can hold is refused in every way", arguments: AddMode.allCases)
    func refused(mode: AddMode) throws {
        let original = try original(isDirectory: true)
        let odd = "\(original.path)/part/odd"
        func refusal() -> StoreError? {
            #expect(throws: StoreError.self) { try real.scene.add(id(1), original, mode) }
        }
        try systemCall("mkfifo") { mkfifo(odd, 0o600) }
        #expect(refusal()?.protocolCode == .badPath)
        try real.disk.removeFile(odd)
        try systemCall("mknod") { mknod(odd, S_IFSOCK | 0o600, 0) }
        #expect(refusal()?.protocolCode == .badPath)
        try real.disk.removeFile(odd)
        try real.disk.makeLink(odd, to: "../../elsewhere")
        #expect(refusal()?.protocolCode == .badPath)
        try real.disk.removeFile(odd)
        #expect(original.isWhole(on: real.disk))
        try real.scene.add(id(1), original, mode)
        #expect(try isGood(1))
    }

    @Test("what changes while it is taken is refused, and stays", arguments: AddMode.allCases)
    func changed(mode: AddMode) throws {
        let original = try original(isDirectory: true)
        let order = AddOrder(source: original.path, mode: mode, commit: real.scene.order(id(1)))
        let asked = Counter()
        let error = #expect(throws: StoreError.self) {
            try real.store.staging.add(
                order,
                isCancelled: {
                    if asked.next() == 1 { try? Disk().append([1], to: "\(original.path)/part/b") }
                    return false
                })
        }
        #expect(error?.protocolCode == .conflict)
        #expect(try real.disk.readFile("\(original.path)/part/b", limit: 9) == [4, 5, 1])
        let scan = try real.store.checkpoints.scan()
        #expect(scan.staging.isEmpty && scan.trash.isEmpty && scan.checkpoints.isEmpty)
    }
}
