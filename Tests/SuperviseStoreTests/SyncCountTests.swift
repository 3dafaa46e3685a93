import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import TestSupport
import Testing

@Suite("how often a commit syncs")
struct SyncCountTests {
    private let files = CrashFileSystem()
    private let scene: Scene

    init() throws {
        scene = try Scene.begun(files)
        try scene.commit(id(1))
    }

    private func syncs(_ body: () throws -> Void) throws -> [String] {
        files.clearCalls()
        try body()
        return files.calls.filter { $0.name == "fsync" }.map(\.path)
    }

    @Test(
        "a commit of n files in d directories syncs each once, and four more",
        arguments: [(1, 1), (8, 1), (8, 3), (200, 5)])
    func commit(count: Int, directories: Int) throws {
        let data = try scene.store.staging.make(id(2))
        for number in 1..<directories { try files.makeDirectory("\(data)/\(number)") }
        for number in 0..<count {
            let directory = number % directories
            try files.writeFile(
                directory == 0 ? "\(data)/f\(number)" : "\(data)/\(directory)/f\(number)", [1])
        }
        let synced = try syncs { _ = try scene.store.staging.commit(scene.order(id(2))) }
        // Manifest, checksums, the checkpoint's directory, and the one that it becomes visible in.
        #expect(synced.count == count + directories + 4)
        #expect(Set(synced).count == synced.count)
    }

    @Test("each way to add has its number", arguments: Original.both)
    func add(original: Original) throws {
        try original.makeWithHome(on: files)
        let (count, directories) = original.isDirectory ? (3, 2) : (1, 0)
        // With the `data` that it is put into under its own name.
        let copied = count + directories + 1 + 4
        #expect(try syncs { try scene.add(id(2), original, .copy) }.count == copied)
        // Without a `data` of our own; but the names of what it is in.
        let left = count + directories + 4
        let first = try syncs { try scene.add(id(3), original, .reference) }
        #expect(first.count == left + 2)
        #expect(first.contains("/out") && first.contains("/"))
        #expect(try syncs { try scene.add(id(4), original, .own) }.count == left + 1)
        // The way to where it goes, where it goes, and where it was.
        let moved = try syncs { try scene.add(id(5), original, .move) }
        #expect(moved.count == left + 4)
        #expect(Set(moved).count == moved.count)
    }
}
