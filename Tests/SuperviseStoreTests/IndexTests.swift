import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import TestSupport
import Testing

/// The index of many checkpoints: never believed where it does not fit.
@Suite("the index")
struct IndexTests {
    /// So that a handful counts as many; the newest is looked at in any case.
    private static var limits: StoreLimits {
        var limits = StoreLimits()
        limits.unindexed = 4
        return limits
    }

    private func scene(_ count: Int64) throws -> (Scene, [CheckpointSummary]) {
        let scene = try Scene(CrashFileSystem(), limits: Self.limits)
        try scene.start()
        try scene.store.record.save(scene.record())
        var summaries: [CheckpointSummary] = []
        for number in 1...count {
            let summary = try scene.commit(id(number))
            summaries.append(summary)
            try scene.store.checkpoints.noteInIndex(summary)
        }
        return (scene, summaries)
    }

    private func index(_ scene: Scene) -> [UInt8]? {
        try? scene.files.readFile(scene.store.paths.index, limit: 1 << 20)
    }

    private func spoilManifests(_ scene: Scene, _ numbers: ClosedRange<Int64>) throws {
        for number in numbers {
            try scene.files.writeFile(scene.path(id(number), "manifest.json"), Array("{}".utf8))
        }
    }

    @Test("is not made for few, and tells what the manifests tell for many")
    func many() throws {
        let (few, _) = try scene(4)
        #expect(index(few) == nil)
        let (scene, summaries) = try scene(9)
        #expect(index(scene) != nil)
        #expect(try scene.store.checkpoints.scan().checkpoints == summaries)
        // It was read: of these no manifest can tell.
        try spoilManifests(scene, 1...8)
        #expect(try scene.store.checkpoints.scan().checkpoints == summaries)
        try spoilManifests(scene, 9...9)
        #expect(
            try scene.store.checkpoints.scan().damaged.map(\.id) == [id(9)],
            "the newest is looked at")
    }

    @Test("of a single file tells its path, and of odd names of metrics nothing")
    func oddities() throws {
        let (scene, _) = try scene(5)
        try scene.files.writeFile("/odd name", [1])
        let added = try scene.store.staging.add(
            AddOrder(source: "/odd name", commit: scene.order(id(6))))
        try scene.store.checkpoints.noteInIndex(added)
        try scene.write(id(7))
        var order = scene.order(id(7))
        order.metrics = ["a\tb": 1, "c\nd": -0.0, "e": .leastNonzeroMagnitude]
        let odd = try scene.store.staging.commit(order)
        try scene.store.checkpoints.noteInIndex(odd)
        for number: Int64 in 8...9 {
            try scene.store.checkpoints.noteInIndex(try scene.commit(id(number)))
        }
        let found = try scene.store.checkpoints.scan().checkpoints
        #expect(found[5] == added && found[6] == odd)
        #expect(found[5].path.hasSuffix("/data/odd name"))
    }

    @Test("of an earlier version is of no use, and is written anew")
    func earlierVersion() throws {
        let (scene, summaries) = try scene(9)
        var old = try #require(index(scene))
        // There a tab stood after the checksum, and no parent.
        for start in old.indices where start == 0 || old[start - 1] == UInt8(ascii: "\n") {
            old[start + 16] = UInt8(ascii: "\t")
        }
        try scene.files.writeFile(scene.store.paths.index, old)
        let next = try Scene(scene.files, limits: Self.limits)
        let scan = try next.store.checkpoints.scan()
        #expect(scan.checkpoints == summaries)
        try next.store.checkpoints.mendIndex(scan)
        #expect(index(next) != old)
        try spoilManifests(next, 1...8)
        #expect(try next.store.checkpoints.scan().checkpoints == summaries)
    }

    @Test("tells from which checkpoint each one continued")
    func parents() throws {
        let (scene, _) = try scene(9)
        try scene.write(id(10))
        var order = scene.order(id(10))
        order.parent = id(4)
        try scene.store.checkpoints.noteInIndex(try scene.store.staging.commit(order))
        try scene.store.checkpoints.noteInIndex(try scene.commit(id(11)))
        try spoilManifests(scene, 1...10)
        let found = try scene.store.checkpoints.scan().checkpoints
        #expect(found.first?.origin == .beginning)
        #expect(found.first { $0.id == id(10) }?.origin == .checkpoint(4))
    }

    @Test("with any byte changed tells nothing that is not so")
    func rot() throws {
        let (scene, summaries) = try scene(6)
        let good = try #require(index(scene))
        for position in good.indices {
            var bad = good
            bad[position] ^= position % 2 == 0 ? 1 : 0x10
            try scene.files.writeFile(scene.store.paths.index, bad)
            #expect(try scene.store.checkpoints.scan().checkpoints == summaries, "byte \(position)")
        }
        for length in stride(from: 0, to: good.count, by: 7) {
            try scene.files.writeFile(scene.store.paths.index, Array(good[..<length]))
            #expect(
                try scene.store.checkpoints.scan().checkpoints == summaries,
                "cut off after \(length)")
        }
    }

    @Test("does not tell of another directory of the same name")
    func another() throws {
        let (scene, _) = try scene(9)
        let place = scene.store.paths.checkpoint(id(2))
        try scene.files.rename(place, to: "/aside")
        try scene.files.makeDirectory(place)
        #expect(try scene.store.checkpoints.scan().damaged.map(\.id) == [id(2)])
    }

    @Test("is written anew when most of its lines tell of what is gone")
    func compaction() throws {
        let (scene, _) = try scene(9)
        for number: Int64 in 10...60 {
            try scene.store.checkpoints.noteInIndex(try scene.commit(id(number)))
            _ = try scene.store.trash.remove([id(number - 9)])
        }
        let lines = try #require(index(scene)).count { $0 == UInt8(ascii: "\n") }
        #expect((9...30).contains(lines), "\(lines)")
        #expect(try scene.store.checkpoints.scan().checkpoints.map(\.id) == (52...60).map(id))
    }

    @Test("is made by a start that finds none")
    func mended() throws {
        let (scene, summaries) = try scene(9)
        try scene.files.removeFile(scene.store.paths.index)
        let next = try Scene(scene.files, limits: Self.limits)
        let scan = try next.store.checkpoints.scan()
        #expect(scan.checkpoints == summaries)
        try next.store.checkpoints.mendIndex(scan)
        try spoilManifests(next, 1...8)
        #expect(try next.store.checkpoints.scan().checkpoints == summaries)
    }
}
