import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// A sandbox that answers some system calls with an error, as container runtimes with an old profile do.
@Suite("A system call that is refused", .onStage)
struct RefusedCallTests {
    /// Runs a command behind a filter of seccomp(2): the calls, which errno, and then the command.
    private static let launcher = """
        import ctypes, os, struct, sys
        x86 = os.uname().machine == "x86_64"
        numbers = {"pidfd_open": 434, "pidfd_send_signal": 424, "close_range": 436, "clone3": 435}
        clone = 56 if x86 else 220
        arch = 0xC000003E if x86 else 0xC00000B7
        names, code = sys.argv[1].split(","), {"EPERM": 1, "ENOSYS": 38, "EINVAL": 22}[sys.argv[2]]
        def op(code, jt, jf, k): return struct.pack("HBBI", code, jt, jf, k)
        LD, JEQ, JSET, RET = 0x20, 0x15, 0x45, 0x06
        no = op(RET, 0, 0, 0x00050000 | code)
        program = [op(LD, 0, 0, 4), op(JEQ, 1, 0, arch), op(RET, 0, 0, 0x7FFF0000), op(LD, 0, 0, 0)]
        for name in names:
            if name == "CLONE_PIDFD":
                program += [op(JEQ, 0, 4, clone), op(LD, 0, 0, 16), op(JSET, 0, 1, 0x1000), no]
                program += [op(LD, 0, 0, 0)]
            else:
                program += [op(JEQ, 0, 1, numbers[name]), no]
        program += [op(RET, 0, 0, 0x7FFF0000)]
        text = ctypes.create_string_buffer(b"".join(program))
        class Filter(ctypes.Structure):
            _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
        filter = Filter(len(program), ctypes.addressof(text))
        library = ctypes.CDLL(None, use_errno=True)
        if library.prctl(38, 1, 0, 0, 0) != 0: sys.exit("no_new_privs")
        if library.prctl(22, 2, ctypes.byref(filter), 0, 0) != 0: sys.exit("no filter")
        os.execvp(sys.argv[3], sys.argv[3:])
        """

    /// The calls that a sandbox refuses, and the error of each.
    struct Sandbox: CustomStringConvertible, Sendable {
        let calls: String
        let code: String

        var description: String { "\(calls): \(code)" }

        static let all =
            ["EPERM", "ENOSYS"].flatMap { code in
                [
                    "pidfd_open", "pidfd_send_signal", "close_range", "CLONE_PIDFD",
                    "pidfd_open,pidfd_send_signal",
                    "pidfd_open,pidfd_send_signal,close_range,CLONE_PIDFD",
                ].map { Sandbox(calls: $0, code: code) }
            } + [
                Sandbox(calls: "CLONE_PIDFD", code: "EINVAL"),
                Sandbox(calls: "clone3", code: "ENOSYS"),
            ]

        /// Those that we warn of.
        var isTold: Bool { calls.contains("pidfd_") || calls.contains("PIDFD") && code != "EINVAL" }
    }

    private func start(_ sandbox: Sandbox, _ place: Place, _ command: [String]) throws -> Program {
        try place.start(
            ["python3", "-c", Self.launcher, sandbox.calls, sandbox.code] + command,
            hasInput: true)
    }

    private func puppet(
        _ sandbox: Sandbox, _ place: Place, _ options: [String] = []
    ) throws -> Program {
        try start(
            sandbox, place,
            [place.binary] + place.arguments(["--backoff", "0ms..0ms"] + options)
                + [place.fixture, "puppet"])
    }

    /// In a session of its own, and nothing but its descent tells whose it is.
    private func daemon(_ program: Program, environment: String = "env -i") throws -> ProcessHandle
    {
        let script = "trap \"\" TERM; echo daemon $$; while :; do sleep 1000; done"
        try program.say("run (\(environment) setsid sh -c '\(script)' &)")
        let told = try program.line(starting: "daemon ")
        return try ProcessHandle(opening: #require(Int32(told.dropFirst(7))))
    }

    @Test("what an attempt leaves is ended, and a stop ends all", arguments: Sandbox.all)
    func restartAndStop(sandbox: Sandbox) throws {
        let place = try Place()
        let program = try puppet(sandbox, place)
        let first = try ProcessHandle(opening: program.nextAttempt(1))
        let left = try daemon(program)
        try program.say("die KILL")
        try program.nextAttempt(2)
        #expect(try first.waitForEnd(atMost: .zero) && left.waitForEnd(atMost: .zero))
        let second = try daemon(program)
        try place.stop(program)
        #expect(try second.waitForEnd(atMost: .zero))
        let told = program.lines(.errors).count { $0.contains("refused here") }
        #expect(told == (sandbox.isTold ? 1 : 0))
        #expect(!program.text(.errors).contains("does not end"))
    }

    @Test("a job that ignores SIGTERM is killed in its time", arguments: Sandbox.all)
    func stubborn(sandbox: Sandbox) throws {
        let place = try Place()
        let job = "trap 'echo asked' TERM; echo here; while :; do sleep 0.1; done"
        let program = try start(
            sandbox, place,
            [place.binary] + place.arguments(["--stop-timeout", "300ms"]) + ["sh", "-c", job])
        try program.line(starting: "here")
        try program.signal(15)
        try program.line(starting: "asked")
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(try place.status().outcome?.signal == "SIGKILL")
        #expect(!program.text(.errors).contains("does not end"))
    }

    @Test("the guard ends the job when we are killed", arguments: Sandbox.all)
    func killed(sandbox: Sandbox) throws {
        let place = try Place()
        let program = try puppet(sandbox, place)
        let leader = try ProcessHandle(opening: program.nextAttempt(1))
        // The guard knows it by its token.
        let left = try daemon(program, environment: "env")
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        #expect(try leader.waitForEnd(atMost: patience))
        #expect(try left.waitForEnd(atMost: patience))
    }

    @Test("a pause stops all, and Ctrl-Z does", arguments: Sandbox.all)
    func pause(sandbox: Sandbox) throws {
        let place = try Place()
        let program = try puppet(sandbox, place)
        let leader = try program.nextAttempt(1)
        let left = try daemon(program)
        let states = { try ["\(leader)", "\(left.pid)"].map(place.processState) }
        try waitForChange(in: place.file("")) { try place.status().jobPID != nil }
        let call = try place.call(["pause", "it", "--state-dir", place.state])
        #expect(try call.waitForEnd() == .exited(0))
        try waitBriefly { try states() == ["T", "T"] }
        let again = try place.call(["unpause", "it", "--state-dir", place.state])
        #expect(try again.waitForEnd() == .exited(0))
        try program.line(starting: "signal SIGCONT")
        try program.signal(20)
        try program.waitUntilStopped()
        // A signal takes a moment on a machine that is busy.
        try waitBriefly { try states() == ["T", "T"] }
        try program.signal(18)
        try program.line(starting: "signal SIGCONT")
        try place.stop(program)
    }

    @Test("the doctor says what is refused, and what to do")
    func doctor() throws {
        let place = try Place()
        let sandbox = Sandbox(calls: "pidfd_open,pidfd_send_signal", code: "EPERM")
        let program = try start(
            sandbox, place, [place.binary, "doctor", "--state-dir", place.state])
        _ = try program.waitForEnd()
        let text = program.text(.output)
        #expect(text.contains("pidfd_open, pidfd_send_signal are refused here"))
        #expect(text.contains("seccomp"))
        let free = try place.call(["doctor", "--state-dir", place.state])
        _ = try free.waitForEnd()
        #expect(free.text(.output).contains("all that are needed are answered"))
    }
}
