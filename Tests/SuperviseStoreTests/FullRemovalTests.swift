import Glibc
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import TestSupport
import Testing

/// Removals on a disk that has no room for the rename that hides a checkpoint.
@Suite("removals on a full disk")
struct FullRemovalTests {
    /// How far there is no room.
    enum Fullness: String, CaseIterable {
        /// Nothing can be moved to the trash.
        case trash
        /// Nor can a name among the checkpoints be longer.
        case names
    }

    private func fill(_ files: CrashFileSystem, _ fullness: Fullness) {
        files.inject(.init(ENOSPC, call: "rename", to: "/trash/"))
        if fullness == .names { files.inject(.init(ENOSPC, call: "rename", to: "/checkpoints/.")) }
    }

    @Test("a checkpoint goes where it is, and the others stay", arguments: Fullness.allCases)
    func remove(fullness: Fullness) throws {
        let files = CrashFileSystem()
        let scene = try Scene.begun(files)
        for number in 1...3 { try scene.commit(id(Int64(number))) }
        fill(files, fullness)
        #expect(try scene.store.trash.remove([id(1), id(2)]) == [id(1), id(2)])
        files.clearFaults()
        let found = try Scene(files)
        #expect(try found.store.checkpoints.scan().checkpoints.map(\.id) == [id(3)])
        #expect(try found.store.checkpoints.scan().damaged.isEmpty)
        try found.store.sweep()
        #expect(try files.list(found.store.paths.checkpoints).map(\.name) == ["\(id(3))"])
    }

    @Test(
        "is seen whole or not at all, whenever the power is cut, and is swept",
        arguments: Fullness.allCases)
    func powerCut(fullness: Fullness) throws {
        let walk = CrashWalk(
            prepare: { scene in
                try scene.start()
                try scene.store.record.save(scene.record())
                for number in 1...3 { try scene.commit(id(Int64(number))) }
            },
            act: { scene in
                fill(try #require(scene.files as? CrashFileSystem), fullness)
                _ = try scene.store.trash.remove([id(1), id(2)])
            })
        try walk.run { scene, returned in
            let ids = try scene.store.checkpoints.scan().checkpoints.map(\.id)
            try expect(ids.last == id(3), "the newest is gone: \(ids)")
            try expect(!returned || ids == [id(3)], "removed, and still there: \(ids)")
        }
    }

    @Test("a payload elsewhere that it owns goes with it", arguments: Fullness.allCases)
    func owned(fullness: Fullness) throws {
        let files = CrashFileSystem()
        let scene = try Scene.begun(files)
        let original = Original.directory
        try original.makeWithHome(on: files)
        try scene.add(id(1), original, .own)
        try scene.commit(id(2))
        fill(files, fullness)
        if fullness == .trash {
            #expect(try scene.store.trash.remove([id(1)]) == [id(1)])
            #expect(original.isGone(on: files))
        } else {
            // What it owns could not be found any more.
            #expect(throws: StoreError.self) { try scene.store.trash.remove([id(1)]) }
            #expect(try scene.isGood(id(1)))
        }
    }

    @Test("what is staged is deleted where it is, if it cannot be moved away")
    func staged() throws {
        let files = CrashFileSystem()
        let scene = try Scene.begun(files)
        try scene.write(id(1))
        fill(files, .trash)
        try scene.store.staging.drop(id(1))
        #expect(try files.list(scene.store.paths.staging).isEmpty)
        try scene.write(id(2))
        // Another process, to which it is nothing but a leftover.
        try Scene(files).store.sweep()
        #expect(try files.list(scene.store.paths.staging).isEmpty)
    }

    @Test(
        "the trash is there from the start on, and where it is missing beside checkpoints it is made"
    )
    func trash() throws {
        let files = CrashFileSystem()
        let scene = try Scene.begun(files)
        #expect(try files.status(scene.store.paths.trash).kind == .directory)
        try files.removeDirectory(scene.store.paths.trash)
        try scene.store.prepare()
        #expect(try files.status(scene.store.paths.trash).kind == .directory)
        // A disk that is not mounted stays as it is.
        try files.removeTree(scene.store.paths.checkpoints)
        try files.removeDirectory(scene.store.paths.trash)
        try scene.store.prepare()
        #expect(throws: SystemError.self) { try files.status(scene.store.paths.trash) }
    }
}
