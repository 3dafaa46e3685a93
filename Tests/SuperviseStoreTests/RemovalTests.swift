import Glibc
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import TestSupport
import Testing

@Suite("how checkpoints go")
struct RemovalTests {
    @Test("one that is being read stays, and the others go")
    func beingRead() throws {
        let real = try RealScene()
        for number in 1...3 { try real.scene.commit(id(Int64(number))) }
        var reader: DirectoryHold? = try real.store.checkpoints.hold(id(1))
        // Readers do not keep each other out.
        _ = try real.store.checkpoints.hold(id(1))
        #expect(try real.store.trash.remove([id(1), id(2)]) == [id(2)])
        #expect(try real.store.checkpoints.scan().checkpoints.map(\.id) == [id(1), id(3)])
        withExtendedLifetime(reader) {}
        reader = nil
        #expect(try real.store.trash.remove([id(1), id(2)]) == [id(1), id(2)])
        #expect(try real.store.checkpoints.scan().checkpoints.map(\.id) == [id(3)])
        #expect(try real.store.checkpoints.scan().trash.isEmpty)
        #expect(throws: StoreError.unknownCheckpoint(id(1))) {
            try real.store.checkpoints.hold(id(1))
        }
    }

    @Test("however deep, and whatever its permissions, it is removed, and no link is followed")
    func deepTree() throws {
        let scratch = try Scratch()
        let disk = Disk()
        let outside = "\(scratch.path)/outside"
        try disk.makeDirectory(outside)
        try disk.writeFile("\(outside)/precious", [1])
        let tree = "\(scratch.path)/tree"
        try disk.makeDirectory(tree)
        try disk.makeLink("\(tree)/link", to: outside)
        // Deeper than the longest path, and than the number of descriptors.
        var here = try systemCall("open") { open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        for level in 0..<3000 {
            try systemCall("mkdirat") { mkdirat(here, "deeper", 0o700) }
            let file = try systemCall("openat") {
                openat(here, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0o400)
            }
            close(file)
            let next = try systemCall("openat") {
                openat(here, "deeper", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            }
            if level % 100 == 0 { fchmod(here, 0o500) }
            close(here)
            here = next
        }
        close(here)
        try disk.removeTree(tree)
        #expect(throws: SystemError.self) { try disk.status(tree) }
        #expect(try disk.readFile("\(outside)/precious", limit: 9) == [1])
        try disk.removeTree(tree)
        try disk.makeLink(tree, to: outside)
        try disk.removeTree(tree)
        #expect(try disk.list(outside).count == 1)
    }

    @Test("names that are not UTF-8 do not keep a tree from being removed")
    func oddNames() throws {
        let scratch = try Scratch()
        let tree = "\(scratch.path)/tree"
        try Disk().makeDirectory(tree)
        let path = Array("\(tree)/".utf8CString.dropLast()) + [CChar(bitPattern: 0xFE), 0]
        try systemCall("mkdir") { mkdir(path, 0o700) }
        #expect(try Disk().list(tree).map(\.isUTF8) == [false])
        try Disk().removeTree(tree)
        #expect(throws: SystemError.self) { try Disk().status(tree) }
    }

    @Test("the newest two of those that were set aside are kept")
    func setAside() throws {
        let scene = try Scene.begun(CrashFileSystem())
        for number in 1...4 { try scene.commit(id(Int64(number))) }
        for number in [2, 1, 4] { _ = try scene.store.setAside(id(Int64(number))) }
        let scan = try scene.store.checkpoints.scan()
        #expect(scan.setAside == ["\(id(2))", "\(id(4))"])
        #expect(scan.checkpoints.map(\.id) == [id(3)])
        #expect(scan.highestSequence == 4)
        #expect(scan.trash.isEmpty)
        // Somebody put it back, and it is bad again.
        let place = scene.store.paths.setAside
        try scene.files.makeDirectory(scene.store.paths.checkpoint(id(4)))
        let second = try scene.store.setAside(id(4))
        #expect(second == "\(place)/\(id(4)).1")
        #expect(try scene.store.checkpoints.scan().setAside == ["\(id(4))", "\(id(4)).1"])
        #expect(try scene.store.setAside(id(7)) == nil)
    }
}
