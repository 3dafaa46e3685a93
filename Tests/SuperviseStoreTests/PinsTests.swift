import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import TestSupport
import Testing

@Suite("pins")
struct PinsTests {
    @Test("are read as they were written, and none where there is no file")
    func roundTrip() throws {
        let scene = try Scene.begun(CrashFileSystem())
        #expect(try scene.store.pins.load() == [])
        try scene.store.pins.save([id(3), id(1)])
        #expect(try scene.store.pins.load() == [id(1), id(3)])
        let text = String(
            decoding: try scene.files.readFile(scene.store.paths.pins, limit: 9999), as: UTF8.self)
        #expect(text.hasPrefix(#"{"format":1,"pins":["000001-step-10","000003-step-30"],"seal":"#))
        try scene.store.pins.save([])
        #expect(try scene.store.pins.load() == [])
    }

    @Test("that are replaced when the power fails are the old or the new ones")
    func crash() throws {
        let walk = CrashWalk(
            prepare: { scene in
                try scene.start()
                try scene.store.record.save(scene.record())
                for number in 1...3 { try scene.commit(id(Int64(number))) }
                try scene.store.pins.save([id(1)])
            },
            act: { scene in try scene.store.pins.save([id(1), id(2)]) })
        try walk.run { scene, returned in
            let pins = try scene.store.pins.load()
            try expect(pins.contains(id(1)), "the old pin is lost")
            try expect(!returned || pins == [id(1), id(2)], "the new pin is lost: \(pins)")
        }
    }

    @Test("a prune beside pins leaves the pinned ones whole at every point of a crash")
    func crashOfPrune() throws {
        let walk = CrashWalk(
            prepare: { scene in
                try scene.start()
                try scene.store.record.save(scene.record())
                for number in 1...4 { try scene.commit(id(Int64(number))) }
                try scene.store.pins.save([id(2)])
            },
            act: { scene in
                _ = try scene.store.trash.remove([id(1), id(3)])
                try scene.store.pins.save([id(2), id(4)])
            })
        try walk.run { scene, returned in
            for number in [2, 4] {
                try expect(scene.isGood(id(Int64(number))), "\(number) is not good any more")
            }
            let pins = try scene.store.pins.load()
            try expect(pins == [id(2)] || pins == [id(2), id(4)], "\(pins)")
            try expect(
                !returned
                    || scene.store.checkpoints.scan().checkpoints.map(\.id) == [id(2), id(4)],
                "removed ones are back")
        }
    }

    @Test("with any byte of the file changed, or cut off, are the same or cannot be told")
    func rot() throws {
        let scene = try Scene.begun(CrashFileSystem())
        try scene.store.pins.save([id(1), id(12)])
        let path = scene.store.paths.pins
        let good = try scene.files.readFile(path, limit: 9999)
        var untold = 0
        for index in good.indices {
            for change: UInt8 in [1, 2, 4, 0x20, 0x80] {
                var bad = good
                bad[index] ^= change
                try scene.files.writeFile(path, bad)
                if let pins = try? scene.store.pins.load() {
                    #expect(pins == [id(1), id(12)], "byte \(index) ^ \(change)")
                } else {
                    untold += 1
                }
            }
            try scene.files.writeFile(path, Array(good[..<index]))
            let pins = try? scene.store.pins.load()
            #expect(pins == nil || pins == [id(1), id(12)], "cut off after \(index)")
        }
        #expect(untold > good.count)
    }

    @Test("of a newer version are not read, and say so")
    func newer() throws {
        let scene = try Scene.begun(CrashFileSystem())
        let path = scene.store.paths.pins
        try scene.files.writeFile(path, Array(#"{"format":2,"keep":"everything"}"#.utf8))
        #expect(throws: StoreError.newerFormat(path: path, format: 2)) {
            try scene.store.pins.load()
        }
    }
}
