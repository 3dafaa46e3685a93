import Glibc
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText
import TestSupport
import Testing

@Suite("an export")
struct ExportTests {
    @Test("holds the payload, and nothing else")
    func directory() throws {
        let real = try RealScene()
        try real.scene.commit(id(1))
        let place = "\(real.scratch.path)/out"
        let bytes = try real.store.checkpoints.export(id(1), to: place)
        let disk = Disk()
        #expect(try disk.list(place).map(\.name) == ["empty", "model.bin", "part"])
        let model = try disk.readFile("\(place)/model.bin", limit: 99)
        #expect(model == Array("model \(id(1))".utf8))
        #expect(try disk.list("\(place)/part").map(\.name) == ["state.json"])
        #expect(try bytes == real.store.checkpoints.scan().checkpoints.first?.bytes)
        #expect(try disk.list(real.scratch.path).allSatisfy { !$0.name.hasSuffix(".partial") })
    }

    @Test("of a file that was added is a file")
    func single() throws {
        let real = try RealScene()
        let disk = Disk()
        try disk.writeFile("\(real.scratch.path)/model", [1, 2, 3])
        _ = try real.store.staging.add(
            AddOrder(source: "\(real.scratch.path)/model", commit: real.scene.order(id(1))))
        let place = "\(real.scratch.path)/out"
        #expect(try real.store.checkpoints.export(id(1), to: place) == 3)
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
            #expect(throws: StoreError.self) { try real.store.checkpoints.export(id(1), to: place) }
            #expect(try disk.readFile("\(name)/precious", limit: 9) == [1])
            try disk.removeTree(name)
        }
        #expect(throws: StoreError.self) {
            try real.store.checkpoints.export(id(1), to: "\(real.scratch.path)/missing/out")
        }
    }

    @Test("of a bad one is refused, and leaves nothing")
    func bad() throws {
        let real = try RealScene()
        try real.scene.commit(id(1))
        try Disk().writeFile(real.scene.path(id(1), "data/model.bin"), Array("model".utf8))
        #expect(throws: StoreError.self) {
            try real.store.checkpoints.export(id(1), to: "\(real.scratch.path)/out")
        }
        let names = try Disk().list(real.scratch.path).map(\.name)
        #expect(!names.contains { $0.hasPrefix("out") }, "\(names)")
    }

    @Test("of a compressed checkpoint holds every file, and the checkpoint stays compressed")
    func compressed() throws {
        let scene = try begun()
        let before = try scene.names(id(1), "data")
        #expect(before == ["noise", "small"])
        #expect(try scene.store.checkpoints.export(id(1), to: "/out") == Self.size)
        try checkCopy(scene.files)
        #expect(try scene.names(id(1), "data") == before)
        #expect(try scene.names(id(1), "").contains("SHA256SUMS.compressed"))
    }

    @Test("is not made of a compressed copy that has rotted")
    func rottenCopy() throws {
        let files = CrashFileSystem()
        let scene = try begun(files)
        let name = "compressed/model.zst"
        try files.rot(scene.path(id(1), name)) { $0[8] ^= 1 }
        let error = #expect(throws: StoreError.self) {
            try scene.store.checkpoints.export(id(1), to: "/out")
        }
        #expect(error?.description.contains("is bad: \(name)") == true, "\(error as Any)")
        #expect(try files.list("/").map(\.name) == ["state"])
    }

    /// What happens to a copy after it was written.
    enum Harm: String, CaseIterable {
        case rots, grows, loses, gains, linksElsewhere, losesLink

        func happen(to files: CrashFileSystem) throws {
            switch self {
            case .rots: try files.rot("/out.partial/part/state") { $0[0] ^= 1 }
            case .grows: try files.append([1], to: "/out.partial/noise")
            case .loses: try files.removeFile("/out.partial/small")
            case .gains: try files.writeFile("/out.partial/new", [])
            case .linksElsewhere:
                try files.removeFile("/out.partial/latest")
                try files.makeLink("/out.partial/latest", to: "model")
            case .losesLink: try files.removeFile("/out.partial/latest")
            }
        }
    }

    @Test("is compared with the manifest before it gets its name", arguments: Harm.allCases)
    func compared(harm: Harm) throws {
        let files = CrashFileSystem()
        let scene = try begun(files)
        files.whenSynced("/out.partial") { try harm.happen(to: $0) }
        let error = #expect(throws: StoreError.self) {
            try scene.store.checkpoints.export(id(1), to: "/out")
        }
        let text = try #require(error?.description)
        #expect(text.contains("is not what was copied there"), "\(text)")
        #expect(!text.contains("commit"))
        #expect(try files.list("/").map(\.name) == ["state"])
        #expect(try scene.isGood(id(1)))
    }

    @Test("of a file that rots while it is copied blames the checkpoint")
    func rotsMeanwhile() throws {
        let files = CrashFileSystem()
        let scene = try begun(files)
        // The list of names does not change by that.
        try files.rot(scene.path(id(1), "data/noise")) { $0[0] ^= 1 }
        let error = #expect(throws: StoreError.self) {
            try scene.store.checkpoints.export(id(1), to: "/out")
        }
        #expect(error?.description.contains("is bad: data/noise: SHA-256 differs") == true)
    }

    @Test("is whole or not there, wherever the power is cut")
    func powerCuts() throws {
        let base = CrashFileSystem()
        _ = try begun(base)
        let whole = base.copy()
        _ = try Scene(whole).store.checkpoints.export(id(1), to: "/out")
        for count in 0...whole.mutations {
            for seed in 0..<4 as Range<UInt64> {
                let files = base.copy()
                files.cutPower(afterMutations: count)
                _ = try? Scene(files).store.checkpoints.export(id(1), to: "/out")
                let found = files.afterPowerCut(seed: seed)
                if (try? found.status("/out")) != nil { try checkCopy(found) }
                #expect(try Scene(found).isGood(id(1)))
            }
        }
    }

    @Test("that fails anywhere leaves nothing, and says nothing of a commit")
    func failures() throws {
        let base = CrashFileSystem()
        _ = try begun(base)
        let whole = base.copy()
        _ = try Scene(whole).store.checkpoints.export(id(1), to: "/out")
        for (index, call) in whole.calls.enumerated() {
            for code in [ENOSPC, EIO] {
                let files = base.copy()
                files.inject(.init(code, at: index))
                let error = #expect(throws: StoreError.self, "\(call)") {
                    try Scene(files).store.checkpoints.export(id(1), to: "/out")
                }
                #expect(error?.systemError?.code == code, "\(call)")
                #expect(error?.description.contains("commit") == false, "\(error as Any)")
                let names = try files.list("/").map(\.name)
                // The last sync comes after the rename.
                let isLast = index == whole.calls.count - 1
                #expect(names == ["state"] || isLast && names == ["out", "state"], "\(call)")
            }
        }
    }

    @Test("keeps the permissions of files, compressed or not")
    func modes() throws {
        let real = try RealScene()
        let text = [UInt8](repeating: 7, count: 50_000)
        let data = try real.begin(id(1), [("tool", text), ("fixed", text), ("small", [1])])
        for (name, mode) in [("tool", 0o755), ("fixed", 0o444), ("small", 0o640)]
            as [(String, mode_t)]
        {
            try systemCall("chmod") { chmod("\(data)/\(name)", mode) }
        }
        _ = try real.store.staging.commit(real.scene.order(id(1)))
        for round in 1...2 {
            let place = "\(real.scratch.path)/out\(round)"
            _ = try real.store.checkpoints.export(id(1), to: place)
            let modes = try ["tool", "fixed", "small"].map {
                try real.disk.status("\(place)/\($0)").mode
            }
            #expect(modes == [0o755, 0o444, 0o640])
            _ = try real.store.compressor.compress(id(1), with: .gzip)
        }
        #expect(try real.scene.names(id(1), "data") == ["small"])
        _ = try real.store.checkpoints.verify(id(1), .init(restores: true))
        #expect(try real.disk.status(real.scene.path(id(1), "data/fixed")).mode == 0o444)
    }

    @Test("into the checkpoints themselves is refused, as is one into a directory that is missing")
    func places() throws {
        let real = try RealScene()
        try real.scene.commit(id(1))
        for (place, what) in [
            (real.scene.path(id(1), "data/out"), "is among the checkpoints"),
            ("\(real.scratch.path)/missing/out", "is not there; make that directory first"),
        ] {
            let error = #expect(throws: StoreError.self) {
                try real.store.checkpoints.export(id(1), to: place)
            }
            #expect(error?.description.contains(what) == true, "\(error as Any)")
        }
        #expect(try real.scene.isGood(id(1)))
    }

    @Test("of a payload outside holds what was added and nothing else, empty directories too")
    func outside() throws {
        for mode in [AddMode.own, .reference] {
            let real = try RealScene()
            let tree = Original(path: "\(real.scratch.path)/tree", isDirectory: true)
            try tree.make(on: real.disk)
            try real.disk.makeDirectory("\(tree.path)/empty")
            try real.scene.add(id(1), tree, mode)
            try real.disk.makeDirectory("\(tree.path)/later")
            try real.disk.writeFile("\(tree.path)/later/file", [1])
            let place = "\(real.scratch.path)/out"
            #expect(try real.store.checkpoints.export(id(1), to: place) == 5)
            #expect(try real.disk.list(place).map(\.name) == ["a", "empty", "latest", "part"])
            #expect(try real.disk.readFile("\(place)/part/b", limit: 9) == [4, 5])
            #expect(try real.disk.readLink("\(place)/latest") == "part/b")
            #expect(tree.isWhole(on: real.disk))
        }
    }

    @Test("does not follow a manifest that leads out of the copy")
    func escape() throws {
        let real = try RealScene()
        let tree = Original(path: "\(real.scratch.path)/tree", isDirectory: true)
        try tree.make(on: real.disk)
        try real.scene.add(id(1), tree, .reference)
        // The same file by another path, in a manifest that somebody has written by hand.
        let line = """
            cd "\(real.store.paths.checkpoint(id(1)))" &&
            sed -i 's|/tree/a"|/tree/../tree/a"|; s|/tree/a$|/tree/../tree/a|' manifest.json SHA256SUMS &&
            sed -i "s/^[0-9a-f]*  manifest.json/$(sha256sum manifest.json)/" SHA256SUMS
            """
        #expect(try ShellCommand(line).finish() == 0)
        #expect(try real.scene.isGood(id(1)))
        let place = "\(real.scratch.path)/out"
        let error = #expect(throws: StoreError.self) {
            try real.store.checkpoints.export(id(1), to: place)
        }
        #expect(error?.description.contains("names files that are not below") == true)
    }

    private static let size: Int64 = 6_000 + 9_001 + 6_000 + 1

    private func begun(_ files: CrashFileSystem = CrashFileSystem()) throws -> Scene {
        let scene = try Scene.begun(files)
        try scene.commitLarge(id(1))
        _ = try scene.store.compressor.compress(id(1), with: .zstd)
        return scene
    }

    private func checkCopy(_ files: any FileSystem) throws {
        let names = ["latest", "model", "noise", "part", "small"]
        #expect(try files.list("/out").map(\.name) == names)
        for (name, content) in Scene.large(id(1)) {
            #expect(try files.readFile("/out/\(name)", limit: 1 << 20) == content, "\(name)")
        }
        #expect(try files.readLink("/out/latest") == "part/state")
    }
}
