import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Whole states in another place than the one where they were written.
@Suite("A state that was moved or copied", .onStage)
struct MovedStateTests {
    @Test(
        "goes on from its own checkpoints, and the original stays as it is",
        arguments: Transfer.allCases, [false, true])
    func stopped(transfer: Transfer, wasKilled: Bool) throws {
        let place = try Place()
        let disk = try OtherDisk()
        guard let there = try transfer.target(place, disk) else { return }
        var ids = try place.stoppedRun(saving: [1, 2])
        if wasKilled {
            let program = try place.puppet()
            try program.hello(accepts: false)
            ids.append(try program.checkpoint(step: 3).id.description)
            try program.signal(9)
            #expect(try program.waitForEnd() == .signaled(9))
            withExtendedLifetime(try FileLock.takeWaiting("\(place.state)/.locks/it")) {}
        }
        let token = try place.record().runToken
        try transfer.perform(place, place.state, to: there)
        let original =
            transfer.leavesOriginal ? try place.fingerprint(of: place.state) : ""

        for arguments in [
            ["status", "it"], ["status", "it", "--json"], ["list"], ["checkpoints", "it", "path"],
            ["checkpoints", "it", "verify"], ["checkpoints", "it", "list", "--json"],
            ["events", "it"], ["doctor", "it"],
        ] {
            let text = try place.ask(arguments, in: there)
            // Only the doctor and the events speak of where it was.
            let isAboutNow = !["doctor", "events"].contains(arguments[0])
            if isAboutNow { #expect(!text.contains("\(place.state)/"), "\(arguments): \(text)") }
        }
        let path = try place.ask(["checkpoints", "it", "path"], in: there)
        #expect(path.hasPrefix("\(there)/it/checkpoints/\(ids[ids.count - 1])"))

        let (program, welcome) = try place.puppet(in: there, ["--keep-last", "1"])
        #expect(welcome.resume?.id.description == ids.last)
        #expect(welcome.resume?.path.hasPrefix("\(there)/it/") == true)
        let made = try program.checkpoint(step: 9).id.description
        try place.stop(program)
        let told = program.lines(.errors).contains { $0.contains(" here from \(place.state)/it") }
        let isCopy = program.lines(.errors).contains { $0.contains("is a copy of the one in") }
        #expect(told == (transfer == .moveToOtherDisk))
        #expect(isCopy == transfer.leavesOriginal)
        let record = try place.record(in: there)
        #expect((record.runToken == token) == transfer.keepsDirectory)
        #expect(record.checkpointDirectory == nil && record.home?.path == "\(there)/it")
        let kept = try Disk().list("\(there)/it/checkpoints").map(\.name)
        #expect(kept.contains(made) && !kept.contains(ids[0]))

        // Once more, and there is nothing left to say.
        let again = try place.puppet(in: there).program
        try place.stop(again)
        #expect(!again.text(.errors).contains(place.state + "/it"))
        guard transfer.leavesOriginal else { return }
        #expect(try place.fingerprint(of: place.state) == original)
        let first = try place.puppet()
        #expect(try first.hello(accepts: false).resume?.id.description == ids.last)
        try place.stop(first)
        #expect(try place.record().runToken == token)
    }

    @Test(
        "is not started where the original runs, which goes on; and is, once that has ended",
        arguments: [Transfer.copy, .copyToOtherDisk, .rsync])
    func running(transfer: Transfer) throws {
        let place = try Place()
        let disk = try OtherDisk()
        guard let there = try transfer.target(place, disk) else { return }
        let program = try place.puppet()
        try program.hello(accepts: false)
        let id = try program.checkpoint(step: 1).id
        try transfer.perform(place, place.state, to: there)
        try place.ask(["checkpoints", "it", "verify"], in: there)
        #expect(try place.ask(["status", "it"], in: there).contains("it  lost  "))
        // Nobody takes the copy's word for where its supervisor listens.
        for command in ["stop", "checkpoint", "pause"] {
            let refused = try place.call([command, "it", "--state-dir", there])
            #expect(try refused.waitForEnd() == .exited(1))
        }
        for options in [[], ["--fresh"], ["--resume-from", "none"]] {
            try place.expectRefusal(
                in: there, options, unchanged: [there],
                says: [
                    "pid \(program.pid)", "\(place.state)/it",
                    "supervise stop it --state-dir \(place.state)", "kill \(program.pid)",
                ])
        }
        let found = try place.call(["doctor", "it", "--state-dir", there])
        #expect(try found.waitForEnd() == .exited(1))
        #expect(found.text(.output).contains("problem  origin"))
        try program.checkpoint(step: 2)
        try place.stop(program)
        let (copy, welcome) = try place.puppet(in: there)
        #expect(welcome.resume?.id == id)
        // Both at once, each for itself: neither takes the other's job for a leftover.
        let original = try place.puppet()
        #expect(try original.hello(accepts: false).resume?.step == 2)
        try copy.checkpoint(step: 5)
        try original.checkpoint(step: 6)
        try place.stop(copy)
        try place.stop(original)
    }

    @Test(
        "with processes that its supervisor and guard have left: they are the original's",
        arguments: Transfer.allCases)
    func orphaned(transfer: Transfer) throws {
        let place = try Place()
        let disk = try OtherDisk()
        guard let there = try transfer.target(place, disk) else { return }
        let program = try place.puppet()
        try program.hello(accepts: false)
        try program.checkpoint(step: 1)
        let daemon = try place.orphan(program)
        try transfer.perform(place, place.state, to: there)
        if transfer.keepsDirectory {
            let next = try place.puppet(in: there).program
            #expect(try daemon.waitForEnd(atMost: .zero))
            try next.errorLine(with: "earlier supervisor had left")
            try place.stop(next)
            return
        }
        try place.expectRefusal(
            in: there, unchanged: [there],
            says: ["still live (pid \(daemon.pid))", "\(place.state)/it", "kill \(daemon.pid)"])
        #expect(try !daemon.waitForEnd(atMost: .zero))
        if transfer.leavesOriginal {
            let original = try place.puppet()
            #expect(try daemon.waitForEnd(atMost: .zero))
            try place.stop(original)
        } else {
            try daemon.signal(9)
            #expect(try daemon.waitForEnd(atMost: patience))
        }
        try place.stop(try place.puppet(in: there).program)
    }

    @Test("moved as a whole while it runs, it is in use, and its supervisor is still reached")
    func movedWhileRunning() throws {
        let place = try Place()
        let program = try place.puppet()
        let there = "\(place.path)/there"
        try place.shell("mv '\(place.state)' '\(there)'")
        #expect(try place.ask(["status", "it"], in: there).contains("running"))
        let second = try place.call(in: there)
        #expect(try second.waitForEnd() == .exited(125))
        #expect(second.text(.errors).contains("in use by pid \(program.pid)"))
        let stop = try place.call(["stop", "it", "--no-checkpoint", "--state-dir", there])
        try program.line(starting: "signal SIGTERM")
        try program.say("exit 0")
        // It has reached it; the record of that end has no place any more.
        #expect(try stop.waitForEnd() == .exited(1))
        #expect(try program.waitForEnd() == .signaled(15))
        try place.stop(try place.puppet(in: there).program)
    }

    @Test("a run's directory that was moved alone while it runs is not started a second time")
    func directoryMovedWhileRunning() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello(accepts: false)
        let other = try place.directory.makeDirectory("other")
        try place.shell("mv '\(place.state)/it' '\(other)/it'")
        try place.expectRefusal(
            in: other, unchanged: ["\(other)/it"],
            says: ["pid \(program.pid) is still the supervisor", "\(place.state)/it"])
        try place.shell("mv '\(other)/it' '\(place.state)/it'")
        try program.checkpoint(step: 3)
        try place.stop(program)
    }

    @Test("where /proc shows no processes, only what surely stayed in its place is started")
    func blind() throws {
        guard userId() == 0 else { return print("not tried: only root can hide /proc") }
        let place = try Place()
        try place.stoppedRun(saving: [1])
        let there = "\(place.path)/there"
        try place.shell("cp -a '\(place.state)' '\(there)'")
        let hide = "mount -t tmpfs none /proc && exec \"$@\""
        let call = { (state: String) in
            try place.start(
                ["unshare", "--mount", "sh", "-c", hide, "sh", place.binary, "--state-dir", state]
                    + [
                        "--name", "it", "--adopt", "--", "sh", "-c",
                        "echo from $SUPERVISE_CHECKPOINT_STEP",
                    ])
        }
        let before = try place.fingerprint(of: there)
        let copy = try call(there)
        #expect(try copy.waitForEnd() == .exited(125))
        #expect(copy.lines(.errors).count == 1)
        #expect(copy.text(.errors).contains("/proc does not show whether processes of it"))
        #expect(try place.fingerprint(of: there) == before)
        let original = try call(place.state)
        #expect(try original.waitForEnd() == .exited(0))
        #expect(original.lines(.output) == ["from 1"])
    }

    @Test("another user who got a copy goes on with it, but not while the original runs")
    func otherUser() throws {
        guard userId() == 0 else { return print("not tried: only root can give files away") }
        let place = try Place()
        let program = try place.puppet()
        try program.hello(accepts: false)
        let id = try program.checkpoint(step: 1).id
        let line = """
            chmod 711 . && install -m 755 '\(place.binary)' '\(place.fixture)' . &&
            mkdir -m 700 r2 && cp -a state there && chown -R 65534:65533 there r2
            """
        try place.shell(line)
        let call = { () throws in
            try place.start(
                ["setpriv", "--reuid=65534", "--regid=65533", "--clear-groups"]
                    + [
                        "./supervise", "--state-dir", "\(place.path)/there", "--name", "it",
                        "--adopt",
                    ]
                    + ["--", "\(place.path)/FixtureJob", "puppet"],
                environment: ["XDG_RUNTIME_DIR": "\(place.path)/r2"], hasInput: true)
        }
        let refused = try call()
        #expect(try refused.waitForEnd() == .exited(125))
        #expect(refused.text(.errors).contains("pid \(program.pid) is still the supervisor"))
        try place.stop(program)
        let copy = try call()
        try copy.nextAttempt(nil)
        #expect(try copy.hello(accepts: false).resume?.id == id)
        try copy.checkpoint(step: 2)
        try place.stop(copy)
    }

    @Test("a job whose token only root may read keeps another user's copy from starting, too")
    func otherUsersJob() throws {
        guard userId() == 0 else { return print("not tried: only root can give files away") }
        let place = try Place()
        // The kernel forgets that it is to end with its parent, as it gets another identity.
        let line = """
            chmod 711 . && install -m 755 '\(place.binary)' . &&
            install -m 4755 "$(command -v sleep)" sleep && install -d -m 700 -o 65532 -g 65532 r2
            """
        try place.shell(line)
        let program = try place.supervise(
            ["--user", "65534:65533", "--chdir", "/"], ["\(place.path)/sleep", "1000"])
        try waitBriefly { try place.status().jobPID != nil }
        let job = try ProcessHandle(opening: Int32(try #require(try place.status().jobPID)))
        try place.killWithGuard(program)
        try #require(try !job.waitForEnd(atMost: .milliseconds(50)))
        try place.shell("cp -a state there && chown -R 65532:65532 there")
        let call = { () throws in
            try place.start(
                ["setpriv", "--reuid=65532", "--regid=65532", "--clear-groups", "./supervise"]
                    + [
                        "--state-dir", "\(place.path)/there", "--name", "it", "--adopt", "--",
                        "true",
                    ],
                environment: ["XDG_RUNTIME_DIR": "\(place.path)/r2"])
        }
        let refused = try call()
        #expect(try refused.waitForEnd() == .exited(125))
        #expect(refused.text(.errors).contains("still live (pid \(job.pid))"))
        #expect(try !job.waitForEnd(atMost: .zero))
        try job.signal(9)
        #expect(try job.waitForEnd(atMost: patience))
        #expect(try call().waitForEnd() == .exited(0))
    }

    @Test("a run of another name in the same state is a copy like any other")
    func otherName() throws {
        let place = try Place()
        let ids = try place.stoppedRun(saving: [1])
        try place.shell("cp -a '\(place.file(""))' '\(place.state)/other'")
        let token = try place.record().runToken
        let original = try place.puppet()
        let copy = try place.call(
            ["--state-dir", place.state, "--name", "other", "--", place.fixture, "puppet"],
            hasInput: true)
        #expect(try copy.waitForEnd() == .exited(125))
        try place.stop(original)
        let second = try place.call(
            ["--state-dir", place.state, "--name", "other", "--", place.fixture, "puppet"],
            hasInput: true)
        try second.nextAttempt(nil)
        #expect(try second.hello(accepts: false).resume?.id.description == ids[0])
        try place.stop(second)
        let text = try place.directory.read("state/other/run.json")
        #expect(text.contains("\"name\":\"other\"") && !text.contains(token))
    }
}
