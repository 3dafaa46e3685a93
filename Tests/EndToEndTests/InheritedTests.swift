import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// A shell that becomes `supervise` by exec leaves us children that are none of the job's.
@Suite("What an exec leaves to us", .onStage)
struct InheritedTests {
    /// What a shell leaves behind on its way.
    enum Way: String, CaseIterable {
        /// Standard output goes to a process of the shell's.
        case tee
        /// Beside us from the start.
        case sidecar
        /// Feeds our standard input.
        case producer

        /// The shell's script; `$@` is the call of ours.
        var script: String {
            switch self {
            case .tee: "exec > >(exec tee log); exec \"$@\""
            case .sidecar: "sleep 12345 & exec \"$@\""
            case .producer: "exec 3<&0; exec \"$@\" < <(exec cat <&3)"
            }
        }

        /// The kernel's name for the process that is left.
        var name: String {
            switch self {
            case .tee: "tee"
            case .sidecar: "sleep"
            case .producer: "cat"
            }
        }

        /// It lives when nobody writes to it any more, and nobody reads from it.
        var outlivesUs: Bool { self != .tee }
    }

    /// A puppet under a supervisor that a shell has become.
    private struct Scene {
        let place: Place
        let program: Program
        let inherited: ProcessHandle
        let leader: ProcessHandle

        init(_ way: Way, _ options: [String] = []) throws {
            place = try Place()
            let call =
                [place.binary] + place.arguments(["--backoff", "0ms..0ms"] + options)
                + [place.fixture, "puppet"]
            program = try place.start(
                ["bash", "-c", way.script, "bash"] + call, hasInput: true)
            leader = try ProcessHandle(opening: program.nextAttempt(1))
            let text = try readSmallFile("/proc/\(program.pid)/task/\(program.pid)/children")
            let pids = try text.split(separator: " ").compactMap { Int32($0) }.filter {
                try readSmallFile("/proc/\($0)/comm") == "\(way.name)\n"
            }
            inherited = try ProcessHandle(opening: #require(pids.first))
            let place = place
            try waitForChange(in: place.file("")) { try place.status().jobPID != nil }
        }

        /// A daemon of the job's that nothing but its descent tells of.
        func startDaemon() throws -> ProcessHandle {
            let line = "(env -i setsid sh -c 'echo daemon $$; exec sleep 1000' &)"
            try program.say("run \(line)")
            let told = try program.line(starting: "daemon ")
            return try ProcessHandle(opening: #require(Int32(told.dropFirst(7))))
        }

        func state(_ process: ProcessHandle) throws -> String {
            try place.processState("\(process.pid)")
        }

        func expectAlive(_ what: Comment? = nil) throws {
            #expect(try !inherited.waitForEnd(atMost: .zero), what)
        }

        func control(_ command: String) throws {
            let call = try place.call([command, "it", "--state-dir", place.state])
            guard try call.waitForEnd() == .exited(0) else { throw call.failure(command) }
        }
    }

    @Test(
        "lives on when an attempt crashes, and what the attempt left is ended",
        arguments: Way.allCases)
    func crash(way: Way) throws {
        let scene = try Scene(way)
        defer { _ = try? scene.inherited.signal(9) }
        let daemon = try scene.startDaemon()
        try scene.program.say("die KILL")
        try scene.program.nextAttempt(2)
        #expect(try daemon.waitForEnd(atMost: .zero))
        try scene.expectAlive()
        // The second attempt is no other matter than the first.
        let second = try scene.startDaemon()
        try scene.program.say("exit 3")
        try scene.program.nextAttempt(3)
        #expect(try second.waitForEnd(atMost: .zero))
        try scene.expectAlive()
        try scene.place.stop(scene.program)
        if way.outlivesUs { try scene.expectAlive() }
        if way == .tee {
            // It has taken all of the last words.
            try waitBriefly {
                try scene.place.directory.read("log").hasSuffix("signal SIGTERM\n")
            }
        }
    }

    @Test(
        "goes on while the job is paused, and while all of it is stopped by Ctrl-Z",
        arguments: Way.allCases)
    func standsStill(way: Way) throws {
        let scene = try Scene(way)
        defer { _ = try? scene.inherited.signal(9) }
        let daemon = try scene.startDaemon()
        try scene.control("pause")
        try waitBriefly { try scene.state(daemon) == "T" && scene.state(scene.leader) == "T" }
        #expect(try scene.state(scene.inherited) != "T")
        try scene.control("unpause")
        try scene.program.line(starting: "signal SIGCONT")
        try scene.program.signal(20)
        try scene.program.waitUntilStopped()
        // A signal takes a moment on a machine that is busy.
        try waitBriefly { try scene.state(daemon) == "T" && scene.state(scene.leader) == "T" }
        #expect(try scene.state(scene.inherited) != "T")
        try scene.program.signal(18)
        try scene.program.line(starting: "signal SIGCONT")
        try scene.place.stop(scene.program)
        #expect(try daemon.waitForEnd(atMost: .zero))
    }

    @Test("lives on when we are killed, and the guard ends the job", arguments: Way.allCases)
    func killed(way: Way) throws {
        let scene = try Scene(way)
        defer { _ = try? scene.inherited.signal(9) }
        try scene.program.say("run setsid sh -c 'echo daemon $$; exec sleep 1000'")
        let told = try scene.program.line(starting: "daemon ")
        let daemon = try ProcessHandle(opening: #require(Int32(told.dropFirst(7))))
        try scene.program.signal(9)
        #expect(try scene.program.waitForEnd() == .signaled(9))
        #expect(try scene.leader.waitForEnd(atMost: patience))
        #expect(try daemon.waitForEnd(atMost: patience))
        if way.outlivesUs { try scene.expectAlive() }
    }

    @Test("is in no report about a hang, and outlives the job that hung", arguments: Way.allCases)
    func hung(way: Way) throws {
        let limit = patience / 30
        let scene = try Scene(way, ["--heartbeat-timeout", DurationText.format(limit)])
        defer { _ = try? scene.inherited.signal(9) }
        let daemon = try scene.startDaemon()
        try scene.program.nextAttempt(2)
        let report = try scene.place.directory.read("state/it/output/hang-0001.txt")
        #expect(report.contains("process \(scene.leader.pid), "))
        #expect(report.contains("process \(daemon.pid), "))
        #expect(!report.contains("process \(scene.inherited.pid), "))
        #expect(try daemon.waitForEnd(atMost: .zero))
        try scene.expectAlive()
        try scene.program.signal(9)
    }

    @Test("that ends disturbs nobody: it is reaped, and the run goes on")
    func ends() throws {
        let scene = try Scene(.sidecar)
        try scene.inherited.signal(9)
        #expect(try scene.inherited.waitForEnd(atMost: patience))
        try waitBriefly { !pathExists("/proc/\(scene.inherited.pid)") }
        try scene.program.say("die KILL")
        try scene.program.nextAttempt(2)
        try scene.program.hello(accepts: false)
        try scene.place.stop(scene.program)
        #expect(try scene.place.status().lastFailure?.attempt == 1)
    }

    @Test("an orphan of it that started before the job is spared, too")
    func orphan() throws {
        let place = try Place()
        // The one in the middle ends once the job has crashed.
        let script = """
            mkfifo go
            (sleep 12345 & echo orphan $! >&2; read x < go) &
            exec "$@"
            """
        let call =
            [place.binary] + place.arguments(["--backoff", "0ms..0ms"])
            + [place.fixture, "puppet"]
        let program = try place.start(["bash", "-c", script, "bash"] + call, hasInput: true)
        try program.nextAttempt(1)
        let told = try program.errorLine(with: "orphan ")
        let orphan = try ProcessHandle(opening: #require(Int32(told.dropFirst(7))))
        defer { _ = try? orphan.signal(9) }
        try program.say("run echo > go")
        try waitBriefly {
            try ProcessFindings.parent(of: orphan.pid) == program.pid
        }
        try program.say("die KILL")
        try program.nextAttempt(2)
        #expect(try !orphan.waitForEnd(atMost: .zero))
        try place.stop(program)
        #expect(try !orphan.waitForEnd(atMost: .zero))
    }

    @Test("what it starts is spared, also with the token of the job in its environment")
    func below() throws {
        let place = try Place()
        let script = """
            mkfifo tokens
            (read token < tokens; SUPERVISE_TOKEN=$token sleep 12345 & echo below $! >&2; wait) &
            exec "$@"
            """
        let call =
            [place.binary] + place.arguments(["--backoff", "0ms..0ms"])
            + [place.fixture, "puppet"]
        let program = try place.start(["bash", "-c", script, "bash"] + call, hasInput: true)
        let leader = try ProcessHandle(opening: program.nextAttempt(1))
        try program.say("run echo $SUPERVISE_TOKEN > tokens")
        let told = try program.errorLine(with: "below ")
        let below = try ProcessHandle(opening: #require(Int32(told.dropFirst(6))))
        defer { _ = try? below.signal(9) }
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        #expect(try leader.waitForEnd(atMost: patience))
        // The guard holds the lock until its work is done.
        try waitBriefly { try FileLock.holder("\(place.state)/.locks/it") == .nobody }
        #expect(try !below.waitForEnd(atMost: .zero))
    }

    @Test(
        "what an earlier supervisor of the run has left to the shell before us is ended all the same",
        .enabled(if: userId() == 0, "only root makes a PID namespace"))
    func leftover() throws {
        let place = try Place()
        let orphan = try place.directory.write(
            "orphan", "trap '' TERM\necho up > fifo\nwhile :; do sleep 1000; done\n")
        let job = try place.directory.write(
            "job",
            """
            look() { grep -qs "$1" /proc/[0-9]*/cmdline && echo "$1 lives" || echo "no $1"; }
            if [ $SUPERVISE_ATTEMPT = 1 ]; then
                mkfifo fifo; (setsid sh \(orphan) &); read up < fifo; look "[o]rphan"
                echo up > ready; while :; do sleep 1000; done
            fi
            look "[o]rphan"
            """)
        let entry = try place.directory.write(
            "entry",
            """
            mkfifo ready; "$@" & first=$!
            read up < ready
            kill -STOP $first
            for one in /proc/[0-9]*; do
                [ "$(cat $one/comm)" = supervise-guard ] && kill -9 ${one#/proc/}
            done
            kill -9 $first; wait $first
            exec "$@"
            """)
        let namespace = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
        // What passes through the supervisor may be lost when it is killed.
        let options = place.arguments(["--backoff", "0ms..0ms", "--output", "inherit"])
        let program = try place.start(
            namespace + ["bash", entry, place.binary] + options + ["sh", job])
        #expect(try program.waitForEnd() == .exited(0))
        #expect(program.lines(.output) == ["[o]rphan lives", "no [o]rphan"])
    }

    @Test(
        "as PID 1 it is spared, too, and our end does not wait for it",
        .enabled(if: userId() == 0, "only root makes a PID namespace"))
    func firstProcess() throws {
        let place = try Place()
        // In files, as our own command line would be found, too.
        let orphan = try place.directory.write(
            "orphan", "trap '' TERM\necho up > fifo\nwhile :; do sleep 1000; done\n")
        let sidecar = try place.directory.write("sidecar", "while :; do sleep 1000; done\n")
        let job = try place.directory.write(
            "job",
            """
            look() { grep -qs "$1" /proc/[0-9]*/cmdline && echo "$1 lives" || echo "no $1"; }
            if [ $SUPERVISE_ATTEMPT = 1 ]; then mkfifo fifo; (env -i setsid sh \(orphan) &); read up < fifo; fi
            look "[o]rphan"
            look "[s]idecar"
            exit $((SUPERVISE_ATTEMPT % 2))
            """)
        let entry = try place.directory.write("entry", "sh \(sidecar) & exec \"$@\"\n")
        let namespace = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
        // What passes through the supervisor may be lost when it is killed.
        let options = place.arguments(["--backoff", "0ms..0ms", "--output", "inherit"])
        let program = try place.start(
            namespace + ["bash", entry, place.binary] + options + ["sh", job])
        #expect(try program.waitForEnd() == .exited(0))
        #expect(
            program.lines(.output) == [
                "[o]rphan lives", "[s]idecar lives", "no [o]rphan", "[s]idecar lives",
            ])
    }
}

extension ProcessFindings {
    /// The number of a process's parent.
    static func parent(of pid: Int32) throws -> Int32? {
        let text = try readSmallFile("/proc/\(pid)/stat")
        let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
        return fields.count > 2 ? Int32(fields[2]) : nil
    }
}
