import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// States of an older version, whose records say where the run's own directory was and not which.
@Suite("A state of an older version that was moved or copied", .onStage)
struct OlderRecordTests {
    /// Makes of a record one of format 1.
    private func age(_ place: Place, payload: String? = nil, keepsOption: Bool = true) throws {
        let script = """
            import json
            r = json.load(open("run.json"))
            r["format"] = 1
            del r["home"], r["shared_through"]
            r["checkpoint_directory"] = "\(payload ?? place.file("").dropLast().description)"
            \(keepsOption ? "" : "r[\"options\"].pop(\"checkpoint-dir\", None)")
            json.dump(r, open("run.json", "w"))
            """
        try place.directory.write("age.py", script)
        try place.shell("cd '\(place.file(""))' && python3 ../../age.py")
    }

    @Test(
        "it goes on from its own checkpoints, and the original's stay", arguments: Transfer.allCases
    )
    func stopped(transfer: Transfer) throws {
        let place = try Place()
        let disk = try OtherDisk()
        guard let there = try transfer.target(place, disk) else { return }
        let ids = try place.stoppedRun(saving: [1, 2])
        try age(place)
        let token = try place.record().runToken
        try transfer.perform(place, place.state, to: there)
        let before = transfer.leavesOriginal ? try place.fingerprint(of: place.state) : ""
        let path = try place.ask(["checkpoints", "it", "path"], in: there)
        #expect(path.hasPrefix("\(there)/it/checkpoints/\(ids[1])"))
        let (program, welcome) = try place.puppet(in: there, ["--keep-last", "1"])
        #expect(welcome.resume?.id.description == ids[1])
        try program.checkpoint(step: 3)
        try place.stop(program)
        let record = try place.record(in: there)
        #expect(record.checkpointDirectory == nil && record.home != nil)
        // Nobody knows whether there are copies.
        #expect(record.runToken != token)
        if transfer.leavesOriginal { #expect(try place.fingerprint(of: place.state) == before) }
    }

    @Test("processes of it are ended by the state that they were started from, and by no other")
    func orphaned() throws {
        let place = try Place()
        let program = try place.puppet()
        let daemon = try place.orphan(program)
        try age(place)
        let there = "\(place.path)/there"
        try place.shell("cp -a '\(place.state)' '\(there)'")
        try place.expectRefusal(
            in: there, unchanged: [there], says: ["still live", "\(daemon.pid)"])
        let next = try place.puppet()
        #expect(try daemon.waitForEnd(atMost: .zero))
        try place.stop(next)
    }

    @Test(
        "a named checkpoint directory is found again, also where it was named earlier only",
        arguments: [true, false])
    func named(keepsOption: Bool) throws {
        let place = try Place()
        let checkpoints = try place.directory.makeDirectory("disk")
        let ids = try place.stoppedRun(["--checkpoint-dir", checkpoints], saving: [1])
        try age(place, payload: "\(checkpoints)/it", keepsOption: keepsOption)
        try Disk().removeFile("\(checkpoints)/it/owner")
        let there = "\(place.path)/there"
        try place.shell("mv '\(place.state)' '\(there)'")
        #expect(
            try place.ask(["checkpoints", "it", "path"], in: there).hasPrefix(checkpoints))
        let (program, welcome) = try place.puppet(in: there)
        #expect(welcome.resume?.id.description == ids[0])
        try place.stop(program)
        #expect(try place.record(in: there).checkpointDirectory == "\(checkpoints)/it")
    }
}
