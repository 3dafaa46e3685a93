import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite("A job that is another user", .onStage, .enabled(if: userId() == 0, "only root can do that"))
struct OtherUserTests {
    private let place: Place
    private let fixture: String

    /// A place that everybody can pass through, and a fixture that everybody can execute.
    init() throws {
        place = try Place()
        fixture = "\(place.path)/fixture"
        let open =
            "chmod 711 \"$1\" \"$1/r\" && install -m 755 \"$2\" \"$3\" && mkdir -m 777 \"$1/w\""
        let prepared = try place.start(["sh", "-c", open, "sh", place.path, place.fixture, fixture])
        #expect(try prepared.waitForEnd() == .exited(0))
    }

    private func puppet(_ options: [String] = ["--user", "65534:65533"]) throws -> Program {
        let program = try place.supervise(
            ["--chdir", "w"] + options, [fixture, "puppet"], hasInput: true)
        let pid = try program.nextAttempt(nil)
        try waitForChange(in: place.file("")) { try place.status().jobPID == Int(pid) }
        return program
    }

    private func look(_ line: String) throws -> [String] {
        let program = try place.start(["sh", "-c", line])
        #expect(try program.waitForEnd() == .exited(0), "\(program.text(.errors))")
        return program.lines(.output)
    }

    @Test("is that user, with its groups and nobody's privileges, and finds its own home")
    func identity() throws {
        let entry = try #require(try look("getent passwd nobody").first)
        let fields = entry.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let program = try place.supervise(
            ["--user", "nobody", "--env", "SHELL=/mine", "--chdir", "/"],
            [
                "sh", "-c",
                "id -u; id -g; id -G; grep -E '^(Cap|Groups|NoNew)' /proc/self/status;"
                    + "echo $HOME $USER $LOGNAME $SHELL \"<$XDG_RUNTIME_DIR>\""
                    + "\"<$SUPERVISE_STATE_DIR>\"",
            ],
            environment: [
                "HOME": "/root", "USER": "root", "LOGNAME": "root", "SUPERVISE_STATE_DIR": "/x",
            ])
        #expect(try program.waitForEnd() == .exited(0))
        let lines = program.lines(.output)
        #expect(Array(lines.prefix(3)) == [fields[2], fields[3], fields[3]])
        let none = String(repeating: "0", count: 16)
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            #expect(lines.contains("\(set):\t\(none)"))
        }
        #expect(lines.last == "\(fields[5]) nobody nobody /mine <><>")
    }

    @Test("dies with us when we are killed, though the kernel forgets that with the identity")
    func diesWithUs() throws {
        let program = try puppet()
        let guards = try readSmallFile("/proc/\(program.pid)/task/\(program.pid)/children")
        let job = try #require(try place.status().jobPID)
        let process = try ProcessHandle(opening: Int32(job))
        // Without the guard, only the kernel's signal is left.
        for pid in guards.split(separator: " ").compactMap({ Int32($0) }) where Int(pid) != job {
            try ProcessHandle(opening: pid).signal(19)
        }
        try program.signal(9)
        #expect(try process.waitForEnd(atMost: .seconds(20)))
        for pid in guards.split(separator: " ").compactMap({ Int32($0) }) where Int(pid) != job {
            _ = try? ProcessHandle(opening: pid).signal(9)
        }
    }

    @Test("talks to us over a socket of its own, writes checkpoints, and goes on from them")
    func checkpoints() throws {
        let program = try puppet()
        try program.hello(accepts: false)
        let began = try program.begin(step: 4, files: ["state": "four"])
        let staged = try look("stat -c '%u:%g %a' '\(began.path)'")
        #expect(staged == ["65534:65533 700"])
        try program.send(.commit(.init(id: began.id)))
        let made = try program.committed()
        let data = try look("stat -c '%u:%g %a' '\(made.path)' '\(made.path)/state'")
        // Its directories are ours from now on, and the files the job's.
        #expect(data[0] == "0:65533 750" && data[1].hasPrefix("65534:65533 "))
        try program.say("write \(made.path)/more text")
        try program.line(starting: "failed: write \(made.path)/more")
        try program.say("run cat '\(made.path)/state'; ls '\(place.state)' || echo no list")
        _ = try program.line(.output, "its own checkpoint") { $0.hasPrefix("four") }
        try program.say("exit 1")
        try program.nextAttempt(2)
        try program.say("run echo found $(cat $SUPERVISE_CHECKPOINT/state)")
        try program.line(starting: "found four")
        try place.stop(program)
        #expect(try place.isWhole(made.id.description))
        let socket = try #require(try Disk().list("\(place.path)/r").first?.name)
        #expect(socket == "supervise-for-65534")
    }

    @Test("is heard where it speaks sd_notify")
    func notices() throws {
        let script = """
            import os, socket, sys
            s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            s.sendto(b"STATUS=I am %d" % os.getuid(), os.environ["NOTIFY_SOCKET"])
            print("said", flush=True)
            sys.stdin.read()
            """
        // The system's own Python, which every user may run.
        place.environment["PATH"] = "/usr/bin:\(place.environment["PATH"] ?? "")"
        let program = try place.supervise(
            ["--user", "65534:65533", "--chdir", "/"], ["python3", "-c", script], hasInput: true)
        try program.line(starting: "said")
        try waitForChange(in: place.file("")) {
            try place.status().progress.message == "I am 65534"
        }
        program.closeInput()
        #expect(try program.waitForEnd() == .exited(0))
    }

    @Test("can read what was saved when it was root")
    func earlierCheckpoint() throws {
        let first = try puppet([])
        try first.hello(accepts: false)
        let made = try first.checkpoint(step: 2, files: ["state": "two"])
        try place.stop(first)
        let second = try puppet()
        try second.say("run echo found $(cat $SUPERVISE_CHECKPOINT/state)")
        try second.line(starting: "found two")
        try place.stop(second)
        #expect(try place.isWhole(made.id.description))
    }

    @Test("gets nothing from us that it could not read itself")
    func rights() throws {
        let secret = try place.directory.write("secret", "s3cret")
        _ = try look(
            "ln -s '\(secret)' '\(place.path)/w/link'; ln '\(secret)' '\(place.path)/w/hard'")
        let program = try puppet()
        try program.hello(accepts: false)
        for path in [secret, "\(place.path)/w/link", "\(place.path)/w/hard", place.state] {
            for mode in [AddMode.copy, .move, .reference] {
                try program.send(.add(.init(path: path, mode: mode.rawValue)))
                _ = try program.refusal()
            }
        }
        #expect(try look("cat '\(secret)'") == ["s3cret"])
        // What is its own is taken, as far as root does not have to delete it later.
        try program.say("write \(place.path)/w/mine text")
        try program.line(starting: "written")
        try program.send(.add(.init(path: "\(place.path)/w/mine", mode: "own")))
        #expect(try program.refusal().code == .badPath)
        try program.send(.add(.init(path: "\(place.path)/w/mine", mode: "move")))
        let made = try program.committed()
        #expect(
            try look("cat '\(made.path)'; ls '\(place.path)/w' | grep mine || true") == ["text"])
        try place.stop(program)
    }

    @Test("a link that it puts in place of a directory leads none of us out of its checkpoint")
    func links() throws {
        let outside = try place.directory.makeDirectory("outside")
        _ = try place.directory.write("outside/kept", "kept")
        let program = try puppet()
        try program.hello(accepts: false)
        try program.send(.begin(.init(step: 1)))
        let began = try program.began()
        try program.say(
            "run cd '\(began.path)' && echo x > state && ln -s '\(outside)' d && echo linked")
        try program.line(starting: "linked")
        try program.send(.commit(.init(id: began.id)))
        #expect(try program.refusal().code == .badPath)
        try place.stop(program)
        #expect(
            try look("cat '\(outside)/kept'; echo; stat -c %u:%a '\(outside)'") == [
                "kept", "0:700",
            ])
    }

    @Test("others' connections are refused, the job's own and ours are answered")
    func peers() throws {
        let program = try puppet()
        let socket = try #require(try place.status().socket)
        let ask = ["'\(fixture)' ask '\(socket)' '{\"type\":\"control\",\"command\":\"status\"}'"]
        let other = "setpriv --reuid=65532 --regid=65533 --clear-groups \(ask[0]) || true"
        // The directory lets its group pass; the socket is the job's alone.
        #expect(try look(other).filter { $0.hasPrefix("{") }.isEmpty)
        let own = try place.start(
            ["setpriv", "--reuid=65534", "--regid=65533", "--clear-groups", fixture, "ask"]
                + [socket, #"{"type":"control","command":"status"}"#])
        try own.line(starting: "{\"")
        try place.stop(program)
        #expect(try own.waitForEnd() == .exited(0))
    }

    @Test("a place that it cannot get to is refused, and what to do is said")
    func unreachable() throws {
        _ = try look("chmod 700 '\(place.path)'")
        let program = try place.supervise(["--user", "65534:65533", "--chdir", "/"], ["true"])
        #expect(try program.waitForEnd() == .exited(125))
        try program.errorLine(with: "user 65534 cannot pass through \(place.path)")
        #expect(!pathExists(place.state))
        let directory = try place.supervise(["--user", "65534:65533"], ["true"])
        #expect(try directory.waitForEnd() == .exited(125))
        #expect(directory.text(.errors).contains("for user 65534: "))
    }

    @Test("nobody but root can ask for it, and nobody gets --watch-mode own with it")
    func refusals() throws {
        let state = "\(place.path)/w/state"
        let copy = "\(place.path)/supervise"
        _ = try look("install -m 755 '\(place.binary)' '\(copy)'")
        let refused = try place.start(
            ["setpriv", "--reuid=65534", "--regid=65533", "--clear-groups", copy]
                + ["--state-dir", state, "--user", "0", "--", "true"])
        #expect(try refused.waitForEnd() == .exited(125))
        try refused.errorLine(with: "--user needs root")
        let own = try place.supervise(
            ["--user", "65534:65533", "--watch", "w/*", "--watch-mode", "own"], ["true"])
        #expect(try own.waitForEnd() == .exited(125))
        try own.errorLine(with: "use move")
    }

    @Test("with --capture it can open its own output again, and what is kept stays ours")
    func captured() throws {
        let line =
            "id -u; echo once more > /dev/stdout; echo an error > /dev/stderr; "
            + "cat '\(place.file("output/attempt-0001.log"))' 2> /dev/null || echo no log; exit 3"
        let program = try place.supervise(
            ["--user", "65534:65533", "--chdir", "w", "--capture", "--max-failures", "1"],
            ["sh", "-c", line])
        #expect(try program.waitForEnd() == .exited(3))
        #expect(program.lines(.output) == ["65534", "once more", "no log"])
        try program.errorLine(with: "an error")
        let log = place.file("output/attempt-0001.log")
        #expect(
            try look("stat -c '%u %a' '\(place.file("output"))' '\(log)'") == ["0 700", "0 600"])
        let kept = try readSmallFile(log).split(separator: "\n").sorted()
        #expect(kept == ["65534", "an error", "no log", "once more"])
        #expect(try place.status().lastFailure?.outputTail.count == 4)
    }

    @Test("with --tty the terminal is its own, and it is in control there")
    func terminal() throws {
        let line =
            "id -u; stat -c 'owner %u' $(tty); echo by name > $(tty); echo control > /dev/tty; "
            + "ls -l '\(place.state)' > /dev/null 2>&1 || echo no list"
        let call =
            [place.binary]
            + place.arguments(["--user", "65534:65533", "--chdir", "w", "--tty"])
            + ["sh", "-c", line]
        let program = try place.atTerminal(call)
        #expect(try program.waitForEnd() == .exited(0), "\(program.text(.output))")
        let text = program.text(.output)
        for word in ["65534", "owner 65534", "by name", "control", "no list"] {
            #expect(text.contains(word), "\(word): \(text)")
        }
    }

    @Test("what was compressed is its own to read when it is gone on from")
    func compressed() throws {
        let options = ["--user", "65534:65533", "--compress", "gzip"]
        let first = try puppet(options)
        try first.hello(accepts: false)
        let ids = try place.save(1...3, first)
        for id in ids.dropLast() { try place.waitUntilCompressed(id) }
        try first.signal(9)
        #expect(try first.waitForEnd() == .signaled(9))
        try place.rot(place.file("checkpoints/\(ids[2])/data/state"))
        let second = try puppet(options)
        try second.say("run head -c 8 $SUPERVISE_CHECKPOINT/state; echo; id -u")
        try second.line(starting: "weight 2")
        try second.line(starting: "65534")
        try second.say("write \(place.file("checkpoints/\(ids[1])/data/state")) text")
        try second.line(starting: "written")
        try place.stop(second)
        #expect(place.names(in: "set-aside") == [ids[2]])
    }
}
