import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import TestSupport
import Testing

@Suite("a content that is taken once more, or has gone")
struct RepeatTests {
    private let real: RealScene
    private let other: Scratch

    init() throws {
        real = try RealScene()
        other = try Scratch()
    }

    private func add(
        _ number: Int64, _ name: String, mode: AddMode = .copy, in store: RunStore? = nil,
        takesAgain: @escaping @Sendable (TakenContent) -> Bool = { _ in false }
    ) throws -> CheckpointSummary {
        try (store ?? real.store).staging.add(
            AddOrder(
                source: "\(other.path)/\(name)", mode: mode, commit: real.scene.order(id(number)),
                takesAgain: takesAgain))
    }

    private func write(_ name: String, _ byte: UInt8) throws {
        try real.disk.writeFile("\(other.path)/\(name)", [byte, byte])
    }

    private func makeTree(_ name: String, _ byte: UInt8) throws {
        try real.disk.makeDirectory("\(other.path)/\(name)")
        try real.disk.makeDirectory("\(other.path)/\(name)/a")
        try write("\(name)/a/x", byte)
        try write("\(name)/y", 7)
        try real.disk.makeLink("\(other.path)/\(name)/latest", to: "a/x")
    }

    @Test(
        "a file under another name is refused, and nothing is left of it",
        arguments: AddMode.allCases)
    func file(mode: AddMode) throws {
        try write("state", 1)
        try write("state.old", 1)
        try write("next", 2)
        _ = try add(1, "state", mode: mode)
        #expect(throws: StoreError.repeats(id(1))) { try add(2, "state.old", mode: mode) }
        #expect(try real.store.staging.size(id(2)).files == 0)
        #expect(pathExists("\(other.path)/state.old"))
        _ = try add(3, "next", mode: mode)
        #expect(try real.store.checkpoints.scan().checkpoints.map(\.id) == [id(1), id(3)])
    }

    @Test(
        "a directory under another name is refused; one that differs in a link or a name is taken")
    func directory() throws {
        for (name, byte) in [("one", 1), ("same", 1), ("content", 2), ("link", 1), ("name", 1)] {
            try makeTree(name, UInt8(byte))
        }
        try real.disk.removeFile("\(other.path)/link/latest")
        try real.disk.makeLink("\(other.path)/link/latest", to: "y")
        try real.disk.rename("\(other.path)/name/y", to: "\(other.path)/name/z")
        _ = try add(1, "one")
        #expect(throws: StoreError.repeats(id(1))) { try add(2, "same") }
        for (number, name) in [(3, "content"), (4, "link"), (5, "name")] {
            #expect(try add(Int64(number), name).id == id(Int64(number)))
        }
    }

    @Test("whoever orders it decides, by the checkpoint and the place that it was taken from")
    func decided() throws {
        try write("state", 1)
        _ = try add(1, "state")
        let source = FilePath("\(other.path)/state")
        let summary = try add(2, "state") { $0 == TakenContent(id: id(1), source: source) }
        #expect(summary.id == id(2))
    }

    @Test("it is known after a restart, after its removal, and not after it was found bad")
    func remembered() throws {
        try write("state", 1)
        _ = try add(1, "state")
        let again = RunStore(real.store.paths)
        #expect(throws: StoreError.repeats(id(1))) { try add(2, "state", in: again) }
        try write("removed", 2)
        _ = try add(3, "removed")
        _ = try real.store.trash.remove([id(3)])
        #expect(throws: StoreError.repeats(id(3))) { try add(4, "removed") }
        _ = try real.store.setAside(id(1))
        #expect(try add(5, "state").id == id(5))
    }

    @Test("what has gone is told as gone, and what is left of a directory as changed")
    func gone() throws {
        let path = "\(other.path)/nothing"
        #expect(throws: StoreError.gone(path)) { try add(1, "nothing") }
        try real.disk.makeDirectory(path)
        #expect(throws: StoreError.gone(path)) { try add(2, "nothing") }
    }
}
