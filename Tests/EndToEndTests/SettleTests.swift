import Glibc
import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

extension Place {
    /// Waits until the guard of a supervisor that died has settled the run.
    func waitUntilSettled() throws {
        try waitForChange(in: file("")) { try status().phase == .finished }
        // The lock is free once the last of it is written.
        _ = try FileLock.takeWaiting("\(state)/.locks/\(Self.name)")
    }

    func supervisorAnswer(
        _ arguments: [String], status: Int32 = 0
    ) throws -> (output: String, errors: String) {
        let program = try call(arguments + ["--state-dir", state])
        #expect(try program.waitForEnd() == .exited(status), "\(program.text(.errors))")
        return (program.text(.output), program.text(.errors))
    }

    var settledEvents: [RunEvent.Settled] {
        get throws {
            try events().compactMap { if case .settled(let settled) = $0 { settled } else { nil } }
        }
    }
}

@Suite("A run whose supervisor was killed", .onStage)
struct SettleTests {
    private func kill(_ program: Program) throws {
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
    }

    @Test("is settled by the guard, called lost, and resumed as if nobody had settled it")
    func byGuard() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello(accepts: false)
        let id = try program.checkpoint(step: 7).id
        try kill(program)
        try place.waitUntilSettled()
        let status = try place.status()
        #expect(status.outcome == .lost && status.supervisorPID == Int(program.pid))
        #expect(status.jobPID == nil && status.socket == nil && status.nextCheckpoint == nil)
        #expect(status.checkpoint?.id == id && status.checkpoints == 1)
        #expect(try place.settledEvents.map(\.attempt) == [1])
        #expect(try place.record().outcome == nil && place.record().current != nil)
        #expect(try place.supervisorAnswer(["list"]).output.contains("\nit    lost   "))
        let text = try place.supervisorAnswer(["status", "it"]).output
        #expect(text.hasPrefix("it  lost  attempt 1  its supervisor (pid \(program.pid)) is gone"))
        #expect(text.contains("supervise resume it"))
        #expect(try place.supervisorAnswer(["events"]).output.contains("the run is lost"))
        let again = try place.puppet()
        #expect(try again.hello(accepts: false).resume?.id == id)
        #expect(try place.status().phase == .running && place.status().outcome == nil)
        #expect(try place.record().failures.last?.kind == .machine)
        #expect(try place.record().failures.withoutProgress == 0)
        try place.stop(again)
        #expect(try place.status().outcome?.kind == .stopped)
        #expect(try place.settledEvents.count == 1)
    }

    @Test("while it waited to start the job again, is settled, too, and its failures still count")
    func inBackoff() throws {
        let place = try Place()
        let program = try place.supervise(
            ["--backoff", "1h..1h", "--max-failures", "2"], ["sh", "-c", "exit 3"])
        try waitBriefly { try place.status().phase == .backoff }
        try waitBriefly { try place.record().failures.withoutProgress == 1 }
        try kill(program)
        try place.waitUntilSettled()
        #expect(try place.status().outcome == .lost && place.status().failures == 1)
        let again = try place.supervise(["--max-failures", "2"], ["sh", "-c", "exit 3"])
        #expect(try again.waitForEnd() == .exited(3))
        #expect(try place.status().attempt == 2)
    }

    @Test("is settled though the program's file was replaced or deleted", arguments: [true, false])
    func replaced(isDeleted: Bool) throws {
        let place = try Place()
        let copy = "\(place.path)/supervise"
        #expect(try place.start(["cp", place.binary, copy]).waitForEnd() == .exited(0))
        let program = try place.start(
            [copy] + place.arguments([]) + ["sh", "-c", "echo up; exec sleep 1000"])
        try program.line(starting: "up")
        try waitBriefly { try place.status().jobPID != nil }
        try Disk().removeFile(copy)
        if !isDeleted { try place.directory.write("supervise", "#!/bin/false\n", mode: 0o700) }
        try kill(program)
        try place.waitUntilSettled()
        #expect(try place.status().outcome == .lost)
    }

    @Test("is started again at once: the start waits until it is settled")
    func atOnce() throws {
        let place = try Place()
        for round in 1...5 {
            let program = try place.puppet()
            try program.hello(accepts: false)
            try kill(program)
            let again = try place.puppet()
            #expect(try again.hello(accepts: false).attempt == 2 * round)
            #expect(try place.statusOverSocket().phase == .running)
            try place.stop(again)
            #expect(try place.status().outcome?.kind == .stopped)
        }
        #expect(try place.settledEvents.count == 5)
    }

    @Test("that ends in good order, or is only stopped, is not settled")
    func goodOrder() throws {
        let place = try Place()
        let program = try place.puppet()
        try place.stop(program)
        let completed = try place.supervise(["--fresh"], ["true"])
        #expect(try completed.waitForEnd() == .exited(0))
        _ = try FileLock.takeWaiting("\(place.state)/.locks/it")
        #expect(try place.settledEvents.isEmpty)
        #expect(try place.status().outcome?.kind == .completed)
    }

    @Test("whose directory is gone leaves no guard behind")
    func noDirectory() throws {
        let place = try Place()
        let program = try place.puppet()
        try Disk().removeTree(place.file(""))
        try kill(program)
        _ = try FileLock.takeWaiting("\(place.state)/.locks/it")
        #expect(!pathExists(place.file("status.json")))
    }

    @Test(
        "is free again after some seconds where the disk with its status hangs",
        .enabled(if: Preload.isUsable, Preload.hindrance))
    func hungDisk() throws {
        let place = try Place()
        let disk = try Preload(in: place)
        let program = try place.puppet(environment: disk.environment)
        try disk.hangDisk(.status)
        let start = MonotonicTime.now()
        try kill(program)
        _ = try FileLock.takeWaiting("\(place.state)/.locks/it")
        #expect(MonotonicTime.now() - start > .seconds(3))
        #expect(try place.status().phase == .running)
        try disk.freeDisk(.status)
        #expect(try place.supervisorAnswer(["list"]).output.contains("lost"))
        #expect(try place.supervisorAnswer(["settle", "it"]).output.hasPrefix("it lost; "))
        #expect(try place.settledEvents.count == 1)
    }
}

@Suite("A run whose supervisor and guard were killed", .onStage)
struct SettleCommandTests {
    @Test("is shown as lost, and is settled by settle, which ends what is left of it first")
    func settle() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello(accepts: false)
        try program.checkpoint(step: 1)
        let daemon = try place.orphan(program)
        let before = try place.fingerprint(of: place.state)
        for command in [["list"], ["status"], ["list", "--json"], ["status", "it", "--json"]] {
            let text = try place.supervisorAnswer(command).output
            #expect(text.contains("lost"), "\(text)")
        }
        #expect(try place.fingerprint(of: place.state) == before)
        #expect(try place.status().phase == .running)
        #expect(try !daemon.waitForEnd(atMost: .zero))
        let resume = "supervise resume it --state-dir \(place.state)"
        let answer = try place.supervisorAnswer(["settle", "it"]).output
        #expect(answer == "it lost; to go on: \(resume)\n")
        #expect(try daemon.waitForEnd(atMost: .zero))
        #expect(try place.status().outcome == .lost && place.settledEvents.count == 1)
        let again = try place.supervisorAnswer(["settle", "it"]).output
        #expect(again == "it lost: nothing to settle\n")
        #expect(try place.settledEvents.count == 1)
        let next = try place.puppet()
        #expect(try next.hello(accepts: false).resume?.step == 1)
        #expect(try place.record().failures.last?.kind == .machine)
        try place.stop(next)
    }

    @Test("is settled by settle --all, which leaves those alone that run or have ended")
    func all() throws {
        let place = try Place()
        let program = try place.puppet()
        try place.killWithGuard(program)
        let ended = try place.start([place.binary] + place.arguments([], name: "ended") + ["true"])
        #expect(try ended.waitForEnd() == .exited(0))
        let running = try place.start(
            [place.binary] + place.arguments([], name: "running")
                + ["sh", "-c", "echo up; exec sleep 1000"])
        try running.line(starting: "up")
        let resume = "supervise resume it --state-dir \(place.state)"
        let text = try place.supervisorAnswer(["settle", "--all"]).output
        #expect(text == "it lost; to go on: \(resume)\n")
        #expect(try place.supervisorAnswer(["settle", "--all"]).output == "")
        #expect(try place.supervisorAnswer(["settle", "--all", "--json"]).output.contains("ended"))
        let refused = try place.supervisorAnswer(["settle", "running"], status: 1)
        #expect(refused.errors.contains("run running is in use by pid \(running.pid)"))
        try running.signal(15)
        #expect(try running.waitForEnd() == .signaled(15))
    }

    @Test("of another host is left alone")
    func otherHost() throws {
        let place = try Place()
        let program = try place.puppet()
        try place.killWithGuard(program)
        var record = try place.record()
        record.host = "elsewhere"
        try Disk().writeFile(place.file("run.json"), record.json)
        let before = try place.fingerprint(of: place.state)
        let refused = try place.supervisorAnswer(["settle", "it"], status: 1)
        #expect(refused.errors.contains("was last at work on elsewhere"))
        #expect(try place.supervisorAnswer(["settle", "--all"]).errors.contains("elsewhere"))
        #expect(try place.fingerprint(of: place.state) == before)
    }

    @Test("of an earlier boot is settled, and nobody is looked for")
    func reboot() throws {
        let place = try Place()
        let program = try place.puppet()
        let daemon = try place.orphan(program)
        var record = try place.record()
        record.bootID = "another"
        try Disk().writeFile(place.file("run.json"), record.json)
        #expect(try place.supervisorAnswer(["settle", "it"]).output.hasPrefix("it lost; "))
        #expect(try !daemon.waitForEnd(atMost: .zero))
        try daemon.signal(9)
    }

    @Test("and whose next one died before it published a status, is lost and not stopped")
    func staleStatus() throws {
        let place = try Place()
        try place.stoppedRun(saving: [1])
        let stopped = try readSmallFile(place.file("status.json"))
        let program = try place.puppet()
        try place.killWithGuard(program)
        try Disk().writeFile(place.file("status.json"), Array(stopped.utf8))
        #expect(try place.supervisorAnswer(["list"]).output.contains("lost"))
        #expect(try place.supervisorAnswer(["settle", "it"]).output.hasPrefix("it lost; "))
        #expect(try place.status().attempt == 2 && place.status().outcome == .lost)
    }

    @Test("is lost in the archive, too, where --fresh puts it")
    func archived() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello(accepts: false)
        try program.checkpoint(step: 1)
        try place.killWithGuard(program)
        let next = try place.supervise(["--fresh"], ["true"])
        #expect(try next.waitForEnd() == .exited(0), "\(next.text(.errors))")
        let label = try #require(place.names(in: "../.archive").first { !$0.hasPrefix(".") })
        let text = try readSmallFile("\(place.state)/.archive/\(label)/status.json")
        let status = try JSONText.decode(Status.self, from: text.utf8)
        #expect(status.phase == .finished && status.outcome == .lost)
        #expect(status.checkpoints == 1 && status.supervisorPID == Int(program.pid))
        #expect(try place.status().outcome?.kind == .completed && place.settledEvents.isEmpty)
    }

    @Test("nobody can use the guard's own call")
    func heldCall() throws {
        let place = try Place()
        let program = try place.puppet()
        try place.killWithGuard(program)
        let before = try place.fingerprint(of: place.state)
        let call = try place.call(["settle-held", place.state, "it"])
        #expect(try call.waitForEnd() == .exited(125))
        #expect(try place.fingerprint(of: place.state) == before)
    }
}
