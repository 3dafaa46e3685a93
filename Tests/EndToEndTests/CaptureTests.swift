import Glibc
import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite("Output that is kept", .onStage)
struct CaptureTests {
    private func log(_ place: Place, _ name: String = "attempt-0001.log") throws -> [UInt8] {
        try Disk().readFile(place.file("output/\(name)"), limit: 64 << 20)
    }

    /// All that is kept of the first attempt, in order.
    private func kept(_ place: Place) throws -> [UInt8] {
        let older = place.names(in: "output").filter { $0.hasPrefix("attempt-0001.log.") }
            .sorted { Int($0.dropFirst(17)) ?? 0 > Int($1.dropFirst(17)) ?? 0 }
        return try (older + ["attempt-0001.log"]).flatMap { try log(place, $0) }
    }

    @Test("every byte is passed on to where it belongs, and stands in one file")
    func unchanged() throws {
        let place = try Place()
        let every = (0...255).map { String($0, radix: 8) }
        let octets = every.map { "\\" + String(repeating: "0", count: 3 - $0.count) + $0 }.joined()
        let program = try place.supervise(
            ["--capture"], ["sh", "-c", "printf '\(octets)'; sleep 0.1; printf 'err\\377' >&2"])
        #expect(try program.waitForEnd() == .exited(0))
        #expect(program.bytes(.output) == Array(0...255))
        #expect(program.bytes(.errors).firstRange(of: Array("err".utf8) + [0xFF]) != nil)
        #expect(try log(place) == Array(0...255) + Array("err".utf8) + [0xFF])
        #expect(try Disk().status(place.file("output/attempt-0001.log")).mode == 0o600)
        #expect(try Disk().status(place.file("output")).mode == 0o700)
    }

    @Test("where both streams lead to one place, the order is that of the job")
    func order() throws {
        let place = try Place()
        let job = "for i in $(seq 500); do echo o$i; echo e$i >&2; done"
        let call = [place.binary] + place.arguments(["--capture", "--quiet"]) + ["sh", "-c", job]
        let program = try place.start(["sh", "-c", "exec \"$@\" 2>&1", "sh"] + call)
        #expect(try program.waitForEnd() == .exited(0))
        let expected = (1...500).map { "o\($0)\ne\($0)\n" }.joined()
        #expect(program.text(.output) == expected)
        #expect(try log(place) == Array(expected.utf8))
    }

    /// Supervises with a socket as standard output, which is read when a line comes, to its end.
    private func atSocket(_ place: Place, _ options: [String], _ job: String) throws -> Program {
        let reader = """
            import socket, subprocess, sys
            ours, theirs = socket.socketpair()
            child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=theirs.fileno())
            theirs.close()
            if sys.stdin.readline():
                while data := ours.recv(1 << 20):
                    sys.stdout.buffer.write(data)
            status = child.wait()
            sys.exit(status if status >= 0 else 128 - status)
            """
        let call =
            [place.binary] + place.arguments(["--capture"] + options) + ["sh", "-c", job]
        return try place.start(["python3", "-c", reader] + call, hasInput: true)
    }

    @Test("who reads a socket slowly holds up nobody, and gets all of it when it reads")
    func slowReader() throws {
        let place = try Place()
        let all = Array((1...2_000_000).map { "\($0)\n" }.joined().utf8)
        let job = "seq 2000000; echo written >&2; until [ -e go ]; do sleep 0.05; done"
        let program = try atSocket(place, [], job)
        // 14.9 MB, of which a socket takes 200 kB, and memory not all.
        try program.errorLine(with: "written")
        _ = try place.directory.write("go", "")
        try program.say("read")
        #expect(try program.waitForEnd() == .exited(0))
        #expect(program.bytes(.output) == all)
        #expect(!program.text(.errors).contains("skipped"))
        // The other stream's line came by another pipe, and may be anywhere.
        var kept = try kept(place)
        let other = try #require(kept.firstRange(of: Array("written\n".utf8)))
        kept.removeSubrange(other)
        #expect(kept == all)
    }

    @Test("what is too much for the files is skipped for who reads a socket slowly, and counted")
    func skipped() throws {
        let place = try Place()
        let job = "seq 1000000; echo written >&2; exec sleep 1000"
        let program = try atSocket(place, ["--capture-max", "100kB"], job)
        try program.errorLine(with: "some of it is skipped there")
        try program.errorLine(with: "written")
        let all = Array((1...1_000_000).map { "\($0)\n" }.joined().utf8)
        let end = Array("1000000\n".utf8)
        try waitForChange(in: place.file("output")) {
            try self.kept(place).firstRange(of: end) != nil
        }
        // The other stream's line came by another pipe, and may be anywhere.
        var kept = try kept(place)
        #expect(kept.count <= 400_000)
        kept.firstRange(of: Array("written\n".utf8)).map { kept.removeSubrange($0) }
        #expect(kept == Array(all.suffix(kept.count)))
        // What was removed takes no room on the disk any more.
        let supervisor = try place.status().supervisorPID
        let listing = try place.start(["ls", "-l", "/proc/\(supervisor)/fd"])
        #expect(try listing.waitForEnd() == .exited(0))
        let files = listing.lines(.output).filter { $0.contains("/output/attempt-") }
        #expect(!files.isEmpty && !files.contains { $0.contains("(deleted)") }, "\(files)")
        try waitForChange(in: place.file("")) {
            try place.status().output?.discardedBytes ?? 0 > 4_000_000
        }
        // A stop does not wait for that reader either.
        let start = MonotonicTime.now()
        try ProcessHandle(opening: Int32(supervisor)).signal(SIGTERM)
        program.closeInput()
        #expect(try program.waitForEnd() == .exited(128 + SIGTERM))
        #expect(MonotonicTime.now() - start < .seconds(10))
        #expect(program.text(.errors).ranges(of: "skipped").count == 1)
    }

    @Test("a reader that has gone stops nothing, and that is said once")
    func goneReader() throws {
        let place = try Place()
        let job = "read x; for i in 1 2 3 4 5; do echo line $i || exit 9; sleep 0.05; done; exit 0"
        let call = [place.binary] + place.arguments(["--capture"]) + ["sh", "-c", job]
        let program = try place.start(
            ["sh", "-c", "exec 3>&2; { \"$@\" 2>&3 3>&-; echo status $? >&3; } | true", "sh"]
                + call,
            hasInput: true)
        try program.errorLine(with: "attempt 1")
        try program.say("go")
        try program.errorLine(with: "nobody reads standard output any more (Broken pipe)")
        #expect(try program.errorLine(with: "status ").hasSuffix("status 0"))
        _ = try program.waitForEnd()
        #expect(program.text(.errors).ranges(of: "nobody reads").count == 1)
        #expect(try log(place).count == 5 * 7)
    }

    @Test(
        "a full disk loses the log and not the job, and is told once", .enabled(if: userId() == 0))
    func fullDisk() throws {
        let place = try Place()
        _ = try place.directory.makeDirectory("state")
        let job = "seq 300000; read x; echo more; read x; echo last"
        let line = "mount -t tmpfs -o size=1m none state && exec \"$@\""
        let call = [place.binary] + place.arguments(["--capture"]) + ["sh", "-c", job]
        let program = try place.start(
            ["unshare", "--mount", "sh", "-c", line, "sh"] + call, hasInput: true)
        try program.errorLine(with: "output is being lost, as it cannot be kept: ")
        try program.line(starting: "300000")
        try program.say("go")
        try program.line(starting: "more")
        try program.say("go")
        try program.line(starting: "last")
        #expect(try program.waitForEnd() == .exited(0))
        let errors = program.text(.errors)
        #expect(errors.ranges(of: "output is being lost").count == 1)
        #expect(!errors.contains("cannot write"), "records have their room: \(errors)")
        #expect(program.bytes(.output).count == 1_988_895 + 10)
    }

    @Test("somebody outside who holds the pipe open holds up neither a restart nor the end")
    func held() throws {
        let place = try Place()
        let program = try place.puppet(["--capture", "--max-failures", "9"])
        let pid = try #require(try place.status().jobPID)
        // No child of ours: it came by the pipe through /proc.
        let holder = try place.start(
            ["sh", "-c", "exec 3> /proc/\(pid)/fd/1; echo held; exec cat"], hasInput: true)
        try holder.line(starting: "held")
        try program.say("exit 1")
        try program.nextAttempt(2)
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .exited(0))
        holder.closeInput()
        #expect(try holder.waitForEnd() == .exited(0))
        #expect(String(decoding: try log(place), as: UTF8.self).hasPrefix("ready 1 "))
    }

    @Test("a failure's last lines are in the status, in the events and on stderr")
    func tail() throws {
        let place = try Place()
        let job = "echo loading; printf '\\033[31mTraceback\\033[0m\\n' >&2; exit 3"
        let program = try place.supervise(["--capture", "--max-failures", "1"], ["sh", "-c", job])
        #expect(try program.waitForEnd() == .exited(3))
        let tail = try place.status().lastFailure?.outputTail ?? []
        #expect(Set(tail) == ["loading", "Traceback"])
        let lines = program.lines(.errors)
        let start = try #require(lines.firstIndex(of: "supervise: its last output:"))
        #expect(Set(lines[(start + 1)...(start + 2)]) == ["    loading", "    Traceback"])
        let failures = try place.events().compactMap { event -> [String]? in
            if case .failed(let failed) = event { failed.failure.outputTail } else { nil }
        }
        #expect(failures == [tail])
        let shown = try place.call(["status", "--json", "--state-dir", place.state])
        #expect(try shown.waitForEnd() == .exited(0))
        #expect(shown.text(.output).contains("\"output_tail\":["))
    }

    @Test("the last words of a job that is killed are there, and each attempt's are its own")
    func lastWords() throws {
        let place = try Place()
        // As much as a pipe holds: it is not read yet when the job is gone.
        let job = "seq 140000; echo end of $SUPERVISE_ATTEMPT; kill -9 $$"
        let program = try place.supervise(["--capture", "--max-failures", "3"], ["sh", "-c", job])
        #expect(try program.waitForEnd() == .exited(137))
        let failures = try place.events().compactMap { event -> [String]? in
            if case .failed(let failed) = event { failed.failure.outputTail } else { nil }
        }
        #expect(failures.map(\.last) == ["end of 1", "end of 2", "end of 3"])
        #expect(failures.allSatisfy { $0.count == 20 && $0[18] == "140000" })
    }

    @Test("with --output inherit nothing is kept, and the job has our own streams")
    func inherited() throws {
        let place = try Place()
        let program = try place.supervise(
            ["--max-failures", "1", "--output", "inherit"],
            ["sh", "-c", "readlink /proc/self/fd/1 /proc/$PPID/fd/1; exit 1"])
        #expect(try program.waitForEnd() == .exited(1))
        let links = program.lines(.output)
        #expect(links.count == 2 && links[0] == links[1])
        #expect(try place.status().lastFailure?.outputTail == [])
        #expect(!pathExists(place.file("output")))
    }

    @Test("a flood holds up nobody who asks, and no stop")
    func floodAndService() throws {
        let place = try Place()
        let call =
            [place.binary] + place.arguments(["--capture", "--capture-max", "1MB"])
            + ["sh", "-c", "echo up >&2; exec cat /dev/zero"]
        let program = try place.start(["sh", "-c", "exec \"$@\" > /dev/null", "sh"] + call)
        try program.errorLine(with: "up")
        for round in 1...20 {
            let before = try readSmallFile("/proc/\(program.pid)/io")
            #expect(try place.statusOverSocket().phase == .running, "\(round)")
            // It floods between any two of them.
            try waitBriefly { try readSmallFile("/proc/\(program.pid)/io") != before }
        }
        // Under one of its names: files change theirs all the time.
        #expect(!place.names(in: "output").isEmpty)
        try program.signal(SIGTERM)
        #expect(try program.waitForEnd() == .signaled(SIGTERM))
    }

    @Test("a flood takes no more memory than a trickle")
    func flood() throws {
        let place = try Place()
        let job = "head -c 300000000 /dev/zero; echo done >&2; exec sleep 1000"
        let call =
            [place.binary] + place.arguments(["--capture", "--capture-max", "1MB"])
            + ["sh", "-c", job]
        let program = try place.start(
            ["sh", "-c", "exec \"$@\" > /dev/null", "sh"] + call)
        try program.errorLine(with: "done")
        let status = try readSmallFile("/proc/\(program.pid)/status")
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM") })
        let kilobytes = try #require(Int(line.filter(\.isNumber)))
        #expect(kilobytes < 60_000, "\(line)")
        try program.signal(SIGTERM)
        #expect(try program.waitForEnd() == .signaled(SIGTERM))
    }
}
