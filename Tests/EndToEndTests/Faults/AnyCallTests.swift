import Glibc
import SuperviseSystem
import TestSupport
import Testing

/// A random system call of a random thread fails, whichever it is: no promise is broken, and the
/// supervisor goes on, or ends with its own status and says why.
@Suite(
    "An error of a random call", .onStage,
    .enabled(if: Strace.isUsable, "strace is missing, or may not look at other processes"))
struct AnyCallTests {
    /// Calls that the kernel does not fail, but for bugs of ours, and waits, of which an error says
    /// nothing but that a signal came; and those of the memory of the language's own runtime, which
    /// aborts: that is one more SIGKILL.
    private static let excluded: Set<String> = [
        "futex", "rt_sigprocmask", "rt_sigaction", "rt_sigreturn", "sigaltstack", "exit",
        "exit_group", "execve", "restart_syscall", "getpid", "gettid", "getuid", "geteuid",
        "getgid", "getegid", "getppid", "set_robust_list", "rseq", "set_tid_address", "arch_prctl",
        "sched_yield", "sched_getaffinity", "clock_gettime", "clock_nanosleep", "nanosleep",
        "gettimeofday", "brk", "mmap", "munmap", "mprotect", "mremap", "madvise", "close",
        "epoll_wait", "epoll_pwait", "umask", "getrandom", "uname", "time",
    ]

    @Test("breaks no promise")
    func errors() throws {
        var numbers = SeededNumbers(seed: FaultSample.seed &+ 1)
        let calls = try Self.calls()
        #expect(calls.count > 20, "\(calls)")
        let wanted = (FaultSample.count(standard: 30) * 110 + 999) / 1000
        var injected = 0
        // Not every one is come to: a run does not do the same every time.
        for _ in 0..<(wanted * 12) where injected < wanted {
            guard let call = calls.randomElement(using: &numbers) else { break }
            let effect = Self.errors(of: call).randomElement(using: &numbers) ?? "EIO"
            let point = FaultPoint(
                threads: Bool.random(using: &numbers) ? "start" : "all", call: call,
                number: Int.random(in: 1...12, using: &numbers), effect: "error=\(effect)")
            injected += try fail(at: point) ? 1 : 0
        }
        #expect(injected == wanted)
    }

    /// What a supervisor calls in a life with a start, checkpoints, a crash and a stop.
    private static func calls() throws -> [String] {
        let run = try BusyRun()
        let log = "\(run.place.path)/strace"
        let program = try run.start()
        try waitBriefly { run.account.saves > 0 }
        let strace = try run.place.start(
            [
                "strace", "-f", "-b", "execve", "-o", log, "-e", "signal=none", "-p",
                "\(program.pid)",
            ])
        try strace.errorLine(with: "attached")
        try crash(run)
        try program.signal(SIGTERM)
        _ = try run.waitForEnd()
        _ = try strace.waitForEnd()
        var calls: Set<String> = []
        for line in try readSmallFile(log).split(separator: "\n") {
            let rest = line.drop { $0.isNumber || $0 == " " }
            let name = String(rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" })
            if rest.dropFirst(name.count).first == "(" { calls.insert(name) }
        }
        return calls.subtracting(excluded).sorted()
    }

    /// The job is killed, and works again.
    private static func crash(_ run: BusyRun) throws {
        let before = run.account
        if let pid = before.pid { _ = kill(pid, SIGKILL) }
        try waitBriefly {
            let now = run.account
            return now.starts > before.starts && now.saves > before.saves
        }
    }

    private static func errors(of call: String) -> [String] {
        switch call {
        case "socket", "accept4", "pipe2", "epoll_create1", "eventfd2", "timerfd_create",
            "signalfd4", "inotify_init1", "pidfd_open", "dup", "dup3", "openat", "open":
            ["EMFILE", "ENOMEM"]
        case "clone", "clone3", "fork", "vfork": ["EAGAIN", "ENOMEM"]
        case "epoll_ctl", "inotify_add_watch": ["ENOMEM", "ENOSPC"]
        case "sendto", "sendmsg": ["EPIPE", "ENOBUFS"]
        case "recvfrom", "recvmsg": ["ECONNRESET", "ENOMEM"]
        case "poll", "ppoll", "wait4", "waitid": ["EINTR"]
        case "kill", "tgkill", "pidfd_send_signal": ["EPERM"]
        case "write", "pwrite64", "fsync", "fdatasync", "ftruncate", "copy_file_range", "writev":
            ["ENOSPC", "EIO"]
        case "mkdir", "mkdirat", "symlink", "rename", "renameat", "renameat2", "link", "linkat":
            ["ENOSPC", "EROFS", "EACCES", "EIO"]
        case "flock": ["ENOLCK"]
        case "fcntl": ["ENOLCK", "ENOMEM"]
        case "prctl", "prlimit64", "setsockopt", "getsockopt": ["EPERM", "ENOMEM"]
        default: ["EIO", "ENOMEM", "EACCES"]
        }
    }

    /// - Returns: whether it came to that call.
    private func fail(at point: FaultPoint) throws -> Bool {
        let said: Comment = "\(point) (\(FaultSample.replay))"
        let run = try BusyRun()
        let log = "\(run.place.path)/strace"
        let inject = [
            "strace", "-qq", "-y", "-o", log, "-e", "trace=\(point.call)", "-e", "signal=none",
            "-e",
            "inject=\(point.call):\(point.effect):when=\(point.number)",
        ]
        var strace: Program?
        let program: Program
        if point.threads == "start" {
            program = try run.start(inject)
        } else {
            program = try run.start()
            try waitBriefly { run.account.saves > 0 }
            strace = try run.place.start(inject + ["-f", "-b", "execve", "-p", "\(program.pid)"])
            try waitBriefly { pathExists(log) }
        }
        try live(run, program, isStart: point.threads == "start")
        while try !program.passes(.milliseconds(200)) {
            // One that was not woken waits for ever.
            if Self.hits(log).isOutside { try end(program) }
        }
        let ending = try run.waitForEnd()
        try? strace?.signal(SIGTERM)
        _ = try? strace?.waitForEnd()
        let hits = Self.hits(log)
        let words: Comment = "\(said): \(hits.lines.first ?? "")"
        if !hits.isOutside { expectGoodEnd(ending, run, words) }
        try run.finish(words)
        return !hits.lines.isEmpty && !hits.isOutside
    }

    /// The calls that were made to fail.
    ///
    /// Threads wake each other through an eventfd, and the loop reads its sources, which do not fail;
    /// and what the loader of libraries calls comes before us. Each thread has its own fault.
    private static func hits(_ log: String) -> (lines: [Substring], isOutside: Bool) {
        let lines = ((try? readSmallFile(log)) ?? "").split(separator: "\n")
            .filter { $0.contains("(INJECTED)") }
        return (lines, lines.contains { $0.contains("anon_inode:") || $0.contains(".so") })
    }

    private func end(_ program: Program) throws {
        for child in children(of: program) { _ = kill(child, SIGKILL) }
        try program.signal(SIGKILL)
    }

    private func children(of program: Program) -> [Int32] {
        let path = "/proc/\(program.pid)/task/\(program.pid)/children"
        return ((try? readSmallFile(path)) ?? "").split(separator: " ").compactMap { Int32($0) }
    }

    /// It saves, its job is killed and saves again, and then it is stopped: as far as it gets.
    private func live(_ run: BusyRun, _ program: Program, isStart: Bool) throws {
        let before = run.account
        func wait(until condition: (BusyRun.Account) -> Bool) throws -> Bool {
            let deadline = MonotonicTime.now() + .seconds(20)
            while !condition(run.account) {
                if try program.passes(.milliseconds(20)) { return false }
                if MonotonicTime.now() > deadline { return true }
            }
            return true
        }
        guard try wait(until: { $0.saves > before.saves }) else { return }
        let saved = run.account
        if let pid = saved.pid { _ = kill(pid, SIGKILL) }
        guard try wait(until: { $0.starts > saved.starts && $0.saves > saved.saves }) else {
            return
        }
        // Where strace has started the supervisor, that is its child.
        let child = isStart ? children(of: program).first : nil
        _ = kill(child ?? program.pid, SIGTERM)
    }

    private func expectGoodEnd(_ ending: Ending, _ run: BusyRun, _ said: Comment) {
        let lines = run.said.split(separator: "\n")
        switch ending {
        case .signaled(SIGTERM): break
        // Where it cannot send itself the signal that it is to die of.
        case .exited(128 + SIGTERM): break
        case .exited(125):
            #expect(!lines.isEmpty, "\(said): it ends with 125 and says nothing")
        default: Issue.record("\(said): it ended as \(ending): \(run.said.suffix(2000))")
        }
        #expect(run.account.broken.isEmpty, "\(said): \(run.account.broken)")
    }
}
