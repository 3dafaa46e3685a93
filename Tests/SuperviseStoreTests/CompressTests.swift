import Glibc
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import TestSupport
import Testing

/// A checkpoint of which two files become smaller, and two do not.
extension Scene {
    func commitLarge(_ id: CheckpointID) throws {
        let data = try store.staging.make(id)
        try files.makeDirectory("\(data)/part")
        for (name, content) in Self.large(id) { try files.writeFile("\(data)/\(name)", content) }
        try files.makeLink("\(data)/latest", to: "part/state")
        _ = try store.staging.commit(order(id))
    }

    static func large(_ id: CheckpointID) -> [String: [UInt8]] {
        let number = UInt8(truncatingIfNeeded: id.sequence)
        return [
            "model": [UInt8](repeating: number, count: 6_000),
            "part/state": [UInt8](repeating: 0, count: 9_000) + [number],
            "noise": (0..<6_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) },
            "small": [number],
        ]
    }

    /// As a job would find it: restored, and byte for byte what was committed.
    func isWhole(_ id: CheckpointID) throws -> Bool {
        guard case .good = try store.checkpoints.verify(id, .init(restores: true)) else {
            return false
        }
        return try Self.large(id).allSatisfy { name, content in
            try files.readFile(path(id, "data/\(name)"), limit: 1 << 20) == content
        }
    }

    func names(_ id: CheckpointID, _ directory: String) throws -> [String] {
        try files.list(path(id, directory)).filter { $0.kind == .file }.map(\.name)
    }
}

@Suite("compressed checkpoints")
struct CompressTests {
    private func begun(_ files: CrashFileSystem = CrashFileSystem()) throws -> Scene {
        let scene = try Scene.begun(files)
        try scene.commitLarge(id(1))
        return scene
    }

    @Test("what becomes smaller is in its copy alone, and the lists stay as they were")
    func compress() throws {
        let scene = try begun()
        let before = try scene.files.readFile(scene.path(id(1), "SHA256SUMS"), limit: 1 << 20)
        guard let bytes = try scene.store.compressor.compress(id(1), with: .zstd) else {
            throw Unexpected("it is held")
        }
        #expect(try scene.names(id(1), "data") == ["noise", "small"])
        #expect(try scene.names(id(1), "compressed") == ["model.zst"])
        #expect(try scene.names(id(1), "compressed/part") == ["state.zst"])
        #expect(try scene.files.readFile(scene.path(id(1), "SHA256SUMS"), limit: 1 << 20) == before)
        #expect((6_001..<7_000).contains(bytes))
        let found = try #require(try scene.store.checkpoints.scan().checkpoints.first)
        #expect(found.compressedBytes == bytes && found.bytes == 21_002)
        #expect(try scene.isGood(id(1)))
        #expect(try scene.names(id(1), "data") == ["noise", "small"], "verifying restores nothing")
        #expect(try scene.isWhole(id(1)))
        #expect(try scene.store.checkpoints.scan().checkpoints.first?.compressedBytes == nil)
        // The copies are still there, and so it is quick.
        #expect(try scene.store.compressor.compress(id(1), with: .gzip) == bytes)
        #expect(try scene.names(id(1), "compressed") == ["model.zst"])
        #expect(try scene.isWhole(id(1)))
    }

    @Test("one in which nothing becomes smaller is not tried again by the next supervisor")
    func incompressible() throws {
        let scene = try Scene.begun(CrashFileSystem())
        try scene.commit(id(1))
        let bytes = try #require(try scene.store.checkpoints.scan().checkpoints.first).bytes
        #expect(try scene.store.compressor.compress(id(1), with: .zstd) == bytes)
        #expect(try scene.store.checkpoints.scan().checkpoints.first?.compressedBytes == bytes)
        #expect(try scene.isGood(id(1)))
    }

    @Test("wherever the power is cut while one is compressed, each file is there")
    func compressWalk() throws {
        let walk = CrashWalk(
            prepare: { scene in
                try scene.start()
                try scene.store.record.save(scene.record())
                try scene.commitLarge(id(1))
                try scene.commitLarge(id(2))
            },
            act: { scene in _ = try scene.store.compressor.compress(id(1), with: .zstd) })
        let steps = try walk.run { scene, returned in
            let found = try scene.store.checkpoints.scan().checkpoints
            try expect(found.map(\.id) == [id(1), id(2)], "there are \(found.map(\.id))")
            try expect(scene.isGood(id(1)), "it is bad")
            // What a power cut has left is gone on from.
            guard try scene.store.compressor.compress(id(1), with: .zstd) != nil else {
                throw Unexpected("it is held")
            }
            try expect(scene.names(id(1), "data") == ["noise", "small"], "not compressed")
            try expect(scene.isWhole(id(1)), "it is not what it was")
        }
        #expect(steps >= 18)
    }

    @Test("wherever the power is cut while one is restored, it is good, and can be restored")
    func restoreWalk() throws {
        let walk = CrashWalk(
            prepare: { scene in
                try scene.start()
                try scene.store.record.save(scene.record())
                try scene.commitLarge(id(1))
                _ = try scene.store.compressor.compress(id(1), with: .zstd)
                try scene.files.syncDirectory(scene.path(id(1), "data"))
                try scene.files.syncDirectory(scene.path(id(1), "data/part"))
            },
            act: { scene in _ = try scene.store.checkpoints.verify(id(1), .init(restores: true)) })
        let steps = try walk.run { scene, _ in
            try expect(scene.isGood(id(1)), "it is bad")
            try expect(scene.isWhole(id(1)), "it cannot be restored")
        }
        #expect(steps >= 6)
    }

    @Test(
        "whatever fails while one is compressed, it stays good, and is compressed later",
        arguments: [ENOSPC, EIO, EROFS, EACCES])
    func failures(code: Int32) throws {
        let base = CrashFileSystem()
        _ = try begun(base)
        let whole = base.copy()
        _ = try Scene(whole).store.compressor.compress(id(1), with: .zstd)
        for (index, call) in whole.calls.enumerated() {
            let files = base.copy()
            files.inject(.init(code, at: index))
            let scene = try Scene(files)
            _ = try? scene.store.compressor.compress(id(1), with: .zstd)
            files.clearFaults()
            do {
                try expect(scene.isGood(id(1)), "it is bad")
                guard try scene.store.compressor.compress(id(1), with: .zstd) != nil else {
                    throw Unexpected("it is held")
                }
                try expect(scene.isWhole(id(1)), "it is not what it was")
            } catch {
                Issue.record("\(call) with \(code): \(error)")
            }
        }
    }

    @Test("on a full disk nothing of the attempt stays")
    func fullDisk() throws {
        let files = CrashFileSystem()
        let scene = try begun(files)
        files.inject(.init(ENOSPC, call: "zstd"))
        let error = #expect(throws: StoreError.self) {
            try scene.store.compressor.compress(id(1), with: .zstd)
        }
        #expect(error?.isNoSpace == true)
        files.clearFaults()
        #expect(
            try files.list(scene.store.paths.checkpoint(id(1))).map(\.name)
                == ["SHA256SUMS", "data", "manifest.json"])
        #expect(try scene.isWhole(id(1)))
    }

    @Test(
        "a copy that has rotted is found",
        arguments: ["compressed/model.zst", "compressed.json", "SHA256SUMS.compressed"])
    func rot(name: String) throws {
        let files = CrashFileSystem()
        let scene = try begun(files)
        _ = try scene.store.compressor.compress(id(1), with: .zstd)
        try files.rot(scene.path(id(1), name)) { $0[$0.count / 2] ^= 1 }
        for order in [VerifyOrder(), .init(restores: true)] {
            guard case .bad(let reason) = try scene.store.checkpoints.verify(id(1), order) else {
                throw Unexpected("nobody sees it")
            }
            #expect(reason.contains("compressed"))
        }
        try files.removeFile(scene.path(id(1), name))
        guard case .bad = try scene.store.checkpoints.verify(id(1)) else {
            throw Unexpected("nobody misses it")
        }
    }

    @Test("a copy that has rotted beside its file is made again")
    func rotBeside() throws {
        let files = CrashFileSystem()
        let scene = try begun(files)
        _ = try scene.store.compressor.compress(id(1), with: .zstd)
        #expect(try scene.isWhole(id(1)))
        try files.rot(scene.path(id(1), "compressed/model.zst")) { $0[8] ^= 1 }
        _ = try scene.store.compressor.compress(id(1), with: .zstd)
        #expect(try scene.isWhole(id(1)))
        // Where the other one is needed, nothing is thrown away.
        _ = try scene.store.compressor.compress(id(1), with: .zstd)
        let model = [UInt8](repeating: 1, count: 6_000)
        try files.writeFile(scene.path(id(1), "data/model"), model)
        try files.rot(scene.path(id(1), "compressed/model.zst")) { $0[8] ^= 1 }
        #expect(throws: StoreError.self) { try scene.store.compressor.compress(id(1), with: .zstd) }
        #expect(try scene.isWhole(id(1)))
    }

    @Test("a file that has rotted itself is not compressed")
    func rottenFile() throws {
        let files = CrashFileSystem()
        let scene = try begun(files)
        try files.rot(scene.path(id(1), "data/model")) { $0[0] ^= 1 }
        let error = #expect(throws: StoreError.self) {
            try scene.store.compressor.compress(id(1), with: .zstd)
        }
        #expect("\(try #require(error))".contains("data/model is not what was committed"))
        #expect(try scene.names(id(1), "data") == ["model", "noise", "small"])
    }

    @Test("to compress can be cut short, and leaves the checkpoint as it was")
    func cancelled() throws {
        let scene = try begun()
        #expect(throws: StoreError.cancelled) {
            try scene.store.compressor.compress(id(1), with: .zstd, isCancelled: { true })
        }
        #expect(
            try scene.files.list(scene.store.paths.checkpoint(id(1))).map(\.name)
                == ["SHA256SUMS", "data", "manifest.json"])
    }

    @Test("sizes alone are compared where that is asked for, and nothing where nothing is")
    func depths() throws {
        let files = CrashFileSystem()
        let scene = try begun(files)
        try files.rot(scene.path(id(1), "data/model")) { $0[0] ^= 1 }
        func isGood(_ depth: VerifyDepth) throws -> Bool {
            guard
                case .good = try scene.store.checkpoints.verify(
                    id(1), .init(depth: depth, restores: true))
            else { return false }
            return true
        }
        #expect(try !isGood(.digest) && isGood(.size) && isGood(.none))
        try files.rot(scene.path(id(1), "data/model")) { $0.removeLast() }
        #expect(try !isGood(.size) && isGood(.none))
        try files.removeFile(scene.path(id(1), "manifest.json"))
        #expect(try !isGood(.none))
    }

    @Test("without a look at any digest, what is compressed is restored all the same")
    func restoresAtAnyDepth() throws {
        for depth in VerifyDepth.allCases {
            let scene = try begun()
            _ = try scene.store.compressor.compress(id(1), with: .zstd)
            _ = try scene.store.checkpoints.verify(id(1), .init(depth: depth, restores: true))
            #expect(try scene.names(id(1), "data") == ["model", "noise", "small"])
            #expect(try scene.isWhole(id(1)))
        }
    }
}

/// By the real programs, on a real disk.
@Suite("compressed checkpoints on a real disk")
struct RealCompressTests {
    static let programs = CompressionProgram.allCases.filter { pathOfProgram($0.rawValue) != nil }

    @Test("gzip is there, and zstd where its tests are to run")
    func whatIsTested() {
        #expect(Self.programs.contains(.gzip))
        if !Self.programs.contains(.zstd) { print("zstd is not installed: it was not tested") }
    }

    @Test("come back byte for byte, with their permissions and holes", arguments: programs)
    func roundTrip(program: CompressionProgram) throws {
        let real = try RealScene()
        let data = try real.begin(
            id(1), [("model", Array(String(repeating: "weights ", count: 100_000).utf8))])
        try Disk().writeFile("\(data)/holes", [1])
        try Disk().makeDirectory("\(data)/uni-ñ \n")
        try Disk().writeFile("\(data)/uni-ñ \n/-x", [UInt8](repeating: 7, count: 50_000))
        #expect(
            try ShellCommand(
                "cd \(data) && truncate -s 8M holes && printf x >> holes && chmod 754 model"
            ).finish() == 0)
        _ = try real.store.staging.commit(real.scene.order(id(1)))
        let payload = real.store.paths.checkpoint(id(1)) + "/data"
        let before = try Disk().hashFile("\(payload)/holes", startsWriting: false) { _ in true }
        guard let bytes = try real.store.compressor.compress(id(1), with: program)
        else {
            throw Unexpected("it is held")
        }
        #expect(bytes < 60_000)
        #expect(try Disk().list(payload).filter { $0.kind == .file }.isEmpty)
        let sums = "cd \(payload)/.. && sha256sum --quiet -c SHA256SUMS.compressed 2>&1"
        #expect(try ShellCommand(sums).finish() == 0)
        #expect(try real.scene.isGood(id(1)))
        guard case .good = try real.store.checkpoints.verify(id(1), .init(restores: true)) else {
            throw Unexpected("not restored")
        }
        #expect(try real.sha256sum(id(1)) == 0)
        let after = try Disk().hashFile("\(payload)/holes", startsWriting: false) { _ in true }
        #expect(after.digest == before.digest)
        #expect(try Disk().status("\(payload)/model").mode == 0o754)
        #expect(
            try ShellCommand("[ $(stat -c %b \(payload)/holes) -lt 1000 ]").finish() == 0,
            "the hole is filled")
    }

    @Test("are left alone while somebody reads, and the work is not lost", arguments: programs)
    func held(program: CompressionProgram) throws {
        let real = try RealScene()
        _ = try real.begin(id(1), [("model", [UInt8](repeating: 7, count: 100_000))])
        _ = try real.store.staging.commit(real.scene.order(id(1)))
        let reader = RunStore(real.store.paths)
        let hold = try reader.checkpoints.hold(id(1))
        #expect(try real.store.compressor.compress(id(1), with: program) == nil)
        _ = try Disk().status(real.scene.path(id(1), "data/model"))
        #expect(try real.store.checkpoints.scan().checkpoints.first?.compressedBytes == nil)
        hold.release()
        guard try real.store.compressor.compress(id(1), with: program) != nil else {
            throw Unexpected("it is held")
        }
        #expect(throws: SystemError.self) {
            try Disk().status(real.scene.path(id(1), "data/model"))
        }
    }

    @Test("are restored while somebody else reads, and two may do so", arguments: programs)
    func restoredWhileHeld(program: CompressionProgram) throws {
        let real = try RealScene()
        let model = [UInt8](repeating: 7, count: 100_000)
        _ = try real.begin(id(1), [("model", model)])
        _ = try real.store.staging.commit(real.scene.order(id(1)))
        _ = try real.store.compressor.compress(id(1), with: program)
        let reader = RunStore(real.store.paths)
        let hold = try reader.checkpoints.hold(id(1))
        for store in [real.store, reader] {
            guard
                case .good = try store.checkpoints.verify(
                    id(1), .init(depth: .size, restores: true))
            else {
                throw Unexpected("it is bad")
            }
            #expect(
                try real.disk.readFile(real.scene.path(id(1), "data/model"), limit: 1 << 20)
                    == model)
        }
        #expect(try real.store.trash.remove([id(1)]).isEmpty)
        withExtendedLifetime(hold) {}
    }

    @Test("have names that no other file's copy has, or the file stays as it is")
    func collidingNames() throws {
        let scene = try Scene.begun(CrashFileSystem())
        let data = try scene.store.staging.make(id(1))
        let content = [UInt8](repeating: 7, count: 9_000)
        try scene.files.makeDirectory("\(data)/model.zst")
        // The copy of each would be in the way of the other's.
        for name in ["model", "model.zst/part", "caf\u{E9}", "cafe\u{301}"] {
            try scene.files.writeFile("\(data)/\(name)", content)
        }
        _ = try scene.store.staging.commit(scene.order(id(1)))
        guard try scene.store.compressor.compress(id(1), with: .zstd) != nil else {
            throw Unexpected("it is held")
        }
        #expect(try scene.names(id(1), "data").isEmpty)
        #expect(try scene.names(id(1), "data/model.zst") == ["part"])
        #expect(try scene.names(id(1), "compressed").count == 3)
        #expect(try scene.isGood(id(1)))
        guard case .good = try scene.store.checkpoints.verify(id(1), .init(restores: true)) else {
            throw Unexpected("it is bad")
        }
        #expect(try scene.names(id(1), "data").count == 3)
    }

    @Test("can be restored by hand, as the page says", arguments: programs)
    func byHand(program: CompressionProgram) throws {
        let real = try RealScene()
        _ = try real.begin(id(1), [("model.bin", [UInt8](repeating: 7, count: 100_000))])
        _ = try real.store.staging.commit(real.scene.order(id(1)))
        _ = try real.store.compressor.compress(id(1), with: program)
        let restore =
            program == .zstd
            ? "zstd -q -d compressed/model.bin.zst -o data/model.bin"
            : "gzip -dc compressed/model.bin.gz > data/model.bin"
        #expect(
            try ShellCommand("cd \(real.store.paths.checkpoint(id(1))) && \(restore)").finish()
                == 0)
        #expect(try real.sha256sum(id(1)) == 0)
    }
}
