import Glibc
import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Single system calls that the machine refuses for a while.
@Suite(
    "A call that is refused for a while", .onStage,
    .enabled(if: Strace.isUsable, "strace is missing, or may not look at other processes"))
struct ShortageCallTests {
    /// A supervisor whose first thread gets this error from each of these calls, until it is let go.
    private func refuse(
        _ calls: String, _ error: String, _ place: Place, _ program: Program
    ) throws -> Program {
        let strace = try place.start(
            [
                "strace", "-o", "\(place.path)/strace", "-e", "trace=\(calls)", "-e",
                "signal=none", "-e", "inject=\(calls):error=\(error)", "-p", "\(program.pid)",
            ])
        try strace.errorLine(with: " attached")
        return strace
    }

    private func letGo(_ strace: Program) throws {
        try strace.signal(SIGTERM)
        _ = try strace.waitForEnd()
    }

    @Test(
        "between two attempts: waited out, reported once, and counted by nobody",
        arguments: [
            ("pipe2", "EMFILE"), ("pipe2", "ENOMEM"), ("clone,clone3", "EAGAIN"),
            ("clone,clone3", "ENOMEM"), ("epoll_ctl", "ENOMEM"), ("epoll_ctl", "ENOSPC"),
        ])
    func between(calls: String, error: String) throws {
        let place = try Place()
        let program = try place.puppet(["--max-failures", "2", "--checkpoint-every", "off"])
        let strace = try refuse(calls, error, place, program)
        try program.say("exit 3")
        try program.errorLine(with: "waiting for the machine, trying again")
        #expect(!(try program.passes(.milliseconds(500))))
        try letGo(strace)
        try program.errorLine(with: "the machine's shortage is over after")
        // A command that was started, and could not be watched, has its number for itself.
        try program.nextAttempt(nil)
        try place.stop(program)
        // A restart does not wait for the record; the end does.
        let record = try place.record()
        let last = record.attempt
        #expect(calls == "epoll_ctl" ? last > 2 : last == 2, "\(last)")
        #expect(record.failures.total == 1 && record.experience.failures == 1)
        for told in ["waiting for the machine", "shortage is over"] {
            #expect(program.lines(.errors).count { $0.contains(told) } == 1)
        }
    }

    @Test(
        "at the very start: tried again, and the run begins",
        arguments: [
            ("pipe2", "ENOMEM"), ("clone", "EAGAIN"), ("clone", "ENOMEM"),
            ("epoll_create1", "ENOMEM"), ("epoll_ctl", "ENOMEM"), ("timerfd_create", "EMFILE"),
        ])
    func start(call: String, error: String) throws {
        let place = try Place()
        let program = try place.start(
            [
                "strace", "-o", "\(place.path)/strace", "-e", "trace=\(call)", "-e", "signal=none",
                "-e", "inject=\(call):error=\(error):when=1..2", place.binary,
            ] + place.arguments(["--max-failures", "1"]) + ["sh", "-c", "echo ran"])
        try program.line(starting: "ran")
        #expect(try program.waitForEnd() == .exited(0))
        #expect(program.lines(.errors).count { $0.contains("trying again") } == 1)
    }

    @Test("a pause that reaches nobody is reported once, and pauses the job as soon as it can")
    func pause() throws {
        let place = try Place()
        let program = try place.puppet()
        let pid = try #require(try place.status().jobPID)
        try program.say("run setsid sh -c 'echo away $$; while :; do read x; done < /dev/zero'")
        let away = try program.line(starting: "away ").dropFirst(5)
        // /proc is not to be seen.
        let strace = try refuse("open,openat", "EMFILE", place, program)
        let call = try place.call(["pause", "it", "--state-dir", place.state])
        #expect(try call.waitForEnd() == .exited(0), "\(call.text(.errors))")
        try program.errorLine(with: "SIGSTOP cannot be sent to all of the job now")
        // The leader's own group needs no look.
        try waitBriefly { try place.processState("\(pid)") == "T" }
        #expect(!(try program.passes(.milliseconds(500))))
        #expect(try place.processState(String(away)) != "T")
        try letGo(strace)
        try waitBriefly { try place.processState(String(away)) == "T" }
        try program.errorLine(with: "the whole job can be sent signals again")
        let on = try place.call(["unpause", "it", "--state-dir", place.state])
        #expect(try on.waitForEnd() == .exited(0))
        try waitBriefly { try place.processState(String(away)) != "T" }
        try place.stop(program)
        #expect(program.lines(.errors).count { $0.contains("SIGSTOP") } == 1)
    }

    @Test("a run record that is refused is reported once, and once more when it is written again")
    func record() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello(accepts: false)
        _ = try program.checkpoint(step: 1)
        let thread = try #require(try place.threads("records", of: program.pid).first)
        let strace = try place.start(
            [
                "strace", "-o", "\(place.path)/strace", "-e", "trace=open,openat", "-e",
                "signal=none", "-e", "inject=open,openat:error=EMFILE", "-p", "\(thread)",
            ])
        try strace.errorLine(with: " attached")
        for number in 2...4 {
            try program.say("exit 3")
            try program.nextAttempt(number)
        }
        try program.errorLine(with: "the run record cannot be written")
        try letGo(strace)
        try program.errorLine(with: "the run record is written again, after")
        try waitBriefly { try place.record().attempt == 4 }
        try place.stop(program)
        #expect(program.lines(.errors).count { $0.contains("run record cannot") } == 1)
    }
}
