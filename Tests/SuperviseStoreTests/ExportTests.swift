import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import TestSupport
import Testing

@Suite("an export")
struct ExportTests {
    @Test("holds the payload, and nothing else")
    func directory() throws {
        let real = try RealScene()
        try real.scene.commit(id(1))
        let place = "\(real.scratch.path)/out"
        let bytes = try real.store.export(id(1), to: place)
        let disk = Disk()
        #expect(try disk.list(place).map(\.name) == ["empty", "model.bin", "part"])
        let model = try disk.readFile("\(place)/model.bin", limit: 99)
        #expect(model == Array("model \(id(1))".utf8))
        #expect(try disk.list("\(place)/part").map(\.name) == ["state.json"])
        #expect(try bytes == real.store.scan().checkpoints.first?.bytes)
        #expect(try disk.list(real.scratch.path).allSatisfy { !$0.name.hasSuffix(".partial") })
    }

    @Test("of a file that was added is a file")
    func single() throws {
        let real = try RealScene()
        let disk = Disk()
        try disk.writeFile("\(real.scratch.path)/model", [1, 2, 3])
        _ = try real.store.add(
            AddOrder(source: "\(real.scratch.path)/model", commit: real.scene.order(id(1))))
        let place = "\(real.scratch.path)/out"
        #expect(try real.store.export(id(1), to: place) == 3)
        #expect(try disk.readFile(place, limit: 9) == [1, 2, 3])
    }

    @Test("overwrites nothing, and takes nothing away of what is there")
    func overwriting() throws {
        let real = try RealScene()
        try real.scene.commit(id(1))
        let disk = Disk()
        let place = "\(real.scratch.path)/out"
        for name in [place, "\(place).partial"] {
            try disk.makeDirectory(name)
            try disk.writeFile("\(name)/precious", [1])
            #expect(throws: StoreError.self) { try real.store.export(id(1), to: place) }
            #expect(try disk.readFile("\(name)/precious", limit: 9) == [1])
            try disk.removeTree(name)
        }
        #expect(throws: StoreError.self) {
            try real.store.export(id(1), to: "\(real.scratch.path)/missing/out")
        }
    }

    @Test("of a bad one is refused, and leaves nothing")
    func bad() throws {
        let real = try RealScene()
        try real.scene.commit(id(1))
        try Disk().writeFile(real.scene.path(id(1), "data/model.bin"), Array("model".utf8))
        #expect(throws: StoreError.self) {
            try real.store.export(id(1), to: "\(real.scratch.path)/out")
        }
        let names = try Disk().list(real.scratch.path).map(\.name)
        #expect(!names.contains { $0.hasPrefix("out") }, "\(names)")
    }
}
