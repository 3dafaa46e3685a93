import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// What a checkpoint owns outside of the state goes with it, but not with a copy of it.
@Suite("What a copied checkpoint owns elsewhere", .onStage)
struct OwnedPayloadTests {
    /// A run with a checkpoint that owns `out/one`, and a newer one.
    private func prepare(_ place: Place, _ options: [String] = []) throws {
        let program = try place.puppet(options)
        try program.hello(accepts: false)
        try place.shell("mkdir -p out && echo one > out/one && echo two > out/two")
        for name in ["one", "two"] {
            try program.send(.add(.init(path: "\(place.path)/out/\(name)", mode: "own")))
            _ = try program.committed()
        }
        try place.stop(program)
    }

    private func isThere(_ place: Place) -> Bool { pathExists("\(place.path)/out/one") }

    @Test(
        "stays when the copy prunes, before and after its first start, and goes with the original's"
    )
    func copy() throws {
        let place = try Place()
        try prepare(place)
        for name in ["before", "after"] {
            try place.shell("cp -a '\(place.state)' '\(place.path)/\(name)'")
        }
        try place.ask(["prune", "it", "--keep-last", "1"], in: "\(place.path)/before")
        #expect(try Disk().list("\(place.path)/before/it/checkpoints").count == 1)
        #expect(isThere(place))
        let (program, _) = try place.puppet(in: "\(place.path)/after", ["--keep-last", "1"])
        try program.checkpoint(step: 9)
        try program.checkpoint(step: 10)
        try place.stop(program)
        #expect(try place.record(in: "\(place.path)/after").sharedThrough == 2)
        // What the resumed run has kept goes at a later time; then, too.
        try place.ask(["prune", "it", "--keep-last", "1"], in: "\(place.path)/after")
        #expect(isThere(place))
        // What the copy adds itself is its own.
        let (second, _) = try place.puppet(in: "\(place.path)/after", ["--keep-last", "1"])
        try place.shell("echo three > out/three")
        try second.send(.add(.init(path: "\(place.path)/out/three", mode: "own")))
        _ = try second.committed()
        try place.stop(second)
        let (third, _) = try place.puppet(in: "\(place.path)/after", ["--keep-last", "1"])
        try third.checkpoint(step: 12)
        try place.stop(third)
        // Nothing is resumed from it any more.
        try place.stop(try place.puppet(in: "\(place.path)/after").program)
        try place.ask(["prune", "it", "--keep-last", "1"], in: "\(place.path)/after")
        #expect(!pathExists("\(place.path)/out/three"))
        try place.ask(["prune", "it", "--keep-last", "1"], in: place.state)
        #expect(!isThere(place))
    }

    @Test("goes with a state that was moved to another disk, once that has started there")
    func moved() throws {
        let place = try Place()
        let disk = try OtherDisk()
        guard let there = try Transfer.moveToOtherDisk.target(place, disk) else { return }
        try prepare(place)
        try Transfer.moveToOtherDisk.perform(place, place.state, to: there)
        try place.stop(try place.puppet(in: there).program)
        try place.ask(["prune", "it", "--keep-last", "1"], in: there)
        #expect(!isThere(place))
    }

    @Test("stays when a copied archive is emptied")
    func archive() throws {
        let place = try Place()
        try prepare(place)
        let fresh = ["--fresh", "--keep-last", "1"]
        try place.stop(try place.puppet(fresh))
        let there = "\(place.path)/there"
        try place.shell("cp -a '\(place.state)' '\(there)'")
        for _ in 0..<5 {
            let program = try place.call(in: there, fresh, ["true"], hasInput: false)
            #expect(try program.waitForEnd() == .exited(0))
        }
        #expect(isThere(place))
    }

    @Test("in a named checkpoint directory it is the same")
    func named() throws {
        let place = try Place()
        let disk = try place.directory.makeDirectory("disk")
        try prepare(place, ["--checkpoint-dir", disk])
        let there = "\(place.path)/there"
        try place.shell("cp -a '\(place.state)' '\(there)'; cp -a disk disk-2")
        let (program, _) = try place.puppet(in: there, ["--checkpoint-dir", "\(disk)-2"])
        try program.checkpoint(step: 9)
        try place.stop(program)
        try place.ask(["prune", "it", "--keep-last", "1"], in: there)
        #expect(try Disk().list("\(disk)-2/it/checkpoints").count < 3)
        #expect(isThere(place))
        try place.ask(["prune", "it", "--keep-last", "1"], in: place.state)
        #expect(!isThere(place))
    }
}
