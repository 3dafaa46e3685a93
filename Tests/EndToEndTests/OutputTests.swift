import Glibc
import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite("Output that goes to a pipe", .onStage)
struct OutputTests {
    /// Writes so many bytes, each line of 16 another one.
    private func writer(_ bytes: Int) -> [String] {
        ["sh", "-c", "seq -f '%015.0f' \(bytes / 16)"]
    }

    private func written(_ bytes: Int) -> [UInt8] {
        var all: [UInt8] = []
        all.reserveCapacity(bytes)
        for number in 1...(bytes / 16) {
            let digits = Array(String(number).utf8)
            all += [UInt8](repeating: UInt8(ascii: "0"), count: 15 - digits.count) + digits
            all.append(UInt8(ascii: "\n"))
        }
        return all
    }

    @Test("ctrl-C that ends tee ends nothing else, and the final checkpoint is made")
    func tee() throws {
        let place = try Place()
        let shell = try place.shell()
        let job = """
            trap 'echo saving; echo saved > out.part; mv out.part out.ckpt; echo done; exit 0' TERM
            echo ready; sleep 1000 & while :; do wait; done
            """
        let call = try place.typed(["--watch", "*.ckpt"], job: job)
        try shell.type("cd '\(place.path)'; \(call) 2>&1 | tee log; echo status ${PIPESTATUS[*]}")
        try shell.line(starting: "ready")
        try shell.press(Program.controlC)
        try waitForChange(in: place.file("")) { try place.status().phase == .finished }
        #expect(try place.status().outcome?.kind == .stopped)
        #expect(place.checkpoints == ["000001"])
        try shell.type("exit 0")
        _ = try shell.waitForEnd()
    }

    @Test(
        "a reader that sleeps for 6 s holds up the job, and gets each of 400,000,000 bytes",
        arguments: [[], ["--capture"]])
    func sleepingReader(options: [String]) throws {
        let place = try Place()
        let reader = """
            import hashlib, os, time
            time.sleep(6)
            digest, count = hashlib.sha256(), 0
            while data := os.read(0, 1 << 20):
                digest.update(data)
                count += len(data)
            print(count, digest.hexdigest())
            """
        _ = try place.directory.write("reader.py", reader)
        let program = try place.supervise(
            options,
            ["python3", "-c", "import os\nfor _ in range(6400): os.write(1, b'x' * 62500)"],
            inLine: "\"$@\" | python3 reader.py; echo status ${PIPESTATUS[0]}")
        let line = try program.line(starting: "400000000 ")
        let expected = try place.start(
            ["sh", "-c", "head -c 400000000 /dev/zero | tr '\\0' x | sha256sum"])
        #expect(try expected.waitForEnd() == .exited(0))
        #expect(line.dropFirst(10) == expected.text(.output).prefix(64))
        try program.line(starting: "status 0")
        _ = try program.waitForEnd()
        #expect(try place.status().output == nil)
    }

    @Test(
        "a slow reader holds up the job and nobody else, and each byte comes in order",
        arguments: [[], ["--capture"], ["--tty"], ["--quiet"]])
    func heldUp(options: [String]) throws {
        let place = try Place()
        let reader = try SlowReader(in: place)
        let program = try place.supervise(
            options,
            ["sh", "-c", "\(writer(4_000_000)[2]); echo written >&2; exec cat > /dev/null"],
            redirected: "> fifo", hasInput: true)
        try reader.waitUntilFull()
        // Who asks is answered meanwhile, and it is no flood of memory that waits.
        try place.waitForSocket()
        #expect(try place.statusOverSocket().phase == .running)
        let status = try readSmallFile("/proc/\(program.pid)/status")
        let peak = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM") })
        #expect(try #require(Int(peak.filter(\.isNumber))) < 60_000, "\(peak)")
        try program.silence(for: .milliseconds(700))
        #expect(!program.text(.errors).contains("written"))
        try reader.read(4_000_000)
        if options != ["--tty"] { try program.errorLine(with: "written") }
        program.closeInput()
        #expect(try program.waitForEnd() == .exited(0))
        try reader.readRest()
        let isWhole = Array(reader.bytes.prefix(4_000_000)) == written(4_000_000)
        #expect(isWhole)
        #expect(try place.status().output == nil)
    }

    @Test(
        "a run that has completed waits until its reader has all", arguments: [[], ["--capture"]])
    func waitsAtEnd(options: [String]) throws {
        let place = try Place()
        let reader = try SlowReader(in: place)
        let program = try place.supervise(
            options, writer(200_000), redirected: "> fifo")
        try waitBriefly { try place.status().phase == .finished }
        #expect(try !program.passes(.milliseconds(1500)))
        try reader.read(200_000)
        #expect(try program.waitForEnd() == .exited(0))
        let isWhole = reader.bytes == written(200_000)
        #expect(isWhole)
    }

    @Test("a stop is bounded though nobody reads, and what the job wrote is there to be read")
    func stopped() throws {
        let place = try Place()
        let reader = try SlowReader(in: place)
        let job =
            "\(writer(160_000)[2]); trap 'seq -f \"last %011.0f\" 10000; exit 0' TERM; "
            + "echo armed >&2; sleep 1000 & while :; do wait; done"
        let program = try place.supervise([], ["sh", "-c", job], redirected: "> fifo")
        try program.line(.errors, starting: "armed")
        let start = MonotonicTime.now()
        try program.signal(SIGTERM)
        #expect(try program.waitForEnd() == .signaled(SIGTERM))
        #expect(MonotonicTime.now() - start < .seconds(10))
        try reader.readRest()
        #expect(reader.bytes.count == 160_000 + 17 * 10_000)
        let isBegun = Array(reader.bytes.prefix(160_000)) == written(160_000)
        #expect(isBegun)
    }

    @Test("a job that nobody reads is stopped in time, and what is read has no gap")
    func stoppedWhileHeld() throws {
        let place = try Place()
        let reader = try SlowReader(in: place)
        let program = try place.supervise(
            [], writer(16_000_000), redirected: "> fifo 2>&1")
        try reader.waitUntilFull()
        try place.waitForSocket()
        let start = MonotonicTime.now()
        try program.signal(SIGTERM)
        #expect(try program.waitForEnd() == .signaled(SIGTERM))
        #expect(MonotonicTime.now() - start < .seconds(10))
        try reader.readRest()
        let rows = reader.text.split(separator: "\n").filter { !$0.hasPrefix("supervise: ") }
        let numbers = rows.dropLast().map { Int($0) ?? 0 }
        let hasNoGap = numbers == Array(1...max(1, numbers.count))
        #expect(numbers.count > 1000 && hasNoGap)
    }

    @Test("between attempts nothing is lost, however slow the reader is")
    func restarts() throws {
        let place = try Place()
        let reader = try SlowReader(in: place)
        let job =
            "for i in $(seq 5000); do echo attempt $SUPERVISE_ATTEMPT line $i; done; "
            + "[ $SUPERVISE_ATTEMPT -ge 20 ] || kill -9 $$"
        let program = try place.supervise(
            ["--max-failures", "50"], ["sh", "-c", job], redirected: "> fifo")
        try reader.waitUntilFull()
        let all = (1...20).flatMap { attempt in
            (1...5000).map { "attempt \(attempt) line \($0)\n" }
        }.joined()
        try reader.read(all.utf8.count)
        #expect(try program.waitForEnd() == .exited(0))
        let isWhole = reader.text == all
        #expect(isWhole)
    }

    @Test("both streams in one pipe keep the job's order, and our own lines are whole")
    func order() throws {
        let place = try Place()
        let job =
            "for i in $(seq 500); do echo o$i; echo e$i >&2; done; [ $SUPERVISE_ATTEMPT -gt 1 ]"
        let program = try place.supervise(
            [], ["sh", "-c", job], inLine: "\"$@\" 2>&1 | cat")
        #expect(try program.waitForEnd() == .exited(0))
        let lines = program.lines(.output)
        let once = (1...500).flatMap { ["o\($0)", "e\($0)"] }
        #expect(lines.filter { !$0.hasPrefix("supervise: ") } == once + once)
        #expect(lines.contains { $0.hasPrefix("supervise: the job exited with status 1") })
        #expect(lines.last == "supervise: completed")
    }

    @Test(
        "a reader that is gone ends nothing: told once, and counted to the byte",
        arguments: [[], ["--capture"], ["--tty"]])
    func gone(options: [String]) throws {
        let place = try Place()
        // A terminal adds a byte to no line here: that of the job has no carriage return.
        let job = "read x < gate; for i in 1 2 3 4 5; do echo line $i || exit 9; done; exit 0"
        try systemCall("mkfifo") { mkfifo("\(place.path)/gate", 0o600) }
        let program = try place.supervise(
            options, ["sh", "-c", job],
            inLine: "{ \"$@\" 2>&3; echo status $? >&3; } | { exec 0<&-; echo go > gate; }")
        #expect(try program.errorLine(with: "nobody reads").contains("(Broken pipe)"))
        try program.errorLine(with: "status 0")
        _ = try program.waitForEnd()
        #expect(program.text(.errors).ranges(of: "nobody reads").count == 1)
        #expect(try place.status().output?.discardedBytes == 5 * 7)
        let shown = try place.call(["status", "--state-dir", place.state, Place.name])
        #expect(try shown.waitForEnd() == .exited(0))
        #expect(shown.text(.output).contains("35 B discarded, as nobody read it"))
        let told = try place.events().filter {
            if case .warning(let warning) = $0 {
                warning.message.contains("nobody reads")
            } else {
                false
            }
        }
        #expect(told.count == 1)
    }

    @Test("a reader that goes in the middle lets the job go on, crash and complete")
    func goneInTheMiddle() throws {
        let place = try Place()
        let job = "\(writer(3_000_000)[2]); [ $SUPERVISE_ATTEMPT -gt 1 ]"
        let program = try place.supervise(
            [], ["sh", "-c", job],
            inLine: "{ \"$@\" 2>&3; echo status $? >&3; } | head -c 500000 | wc -c")
        #expect(try program.waitForEnd() == .exited(0))
        #expect(program.text(.output) == "500000\n")
        #expect(program.text(.errors).contains("status 0"))
        let lost = try #require(try place.status().output?.discardedBytes)
        // What the pipe held when its reader went is lost there.
        #expect(lost > 5_000_000 && lost <= 5_500_000)
    }

    @Test("our own lines neither end us nor hold us up where nobody reads them")
    func ownLines() throws {
        let place = try Place()
        let reader = try SlowReader(in: place)
        let job = "\(writer(2_000_000)[2]) >&2; exit 0"
        let program = try place.supervise(
            ["--verbose"], ["sh", "-c", job], redirected: "2> fifo")
        try reader.waitUntilFull()
        try place.waitForSocket()
        try place.connect().send(line: #"{"type":"control","command":"stop"}"#)
        #expect(try program.waitForEnd() == .signaled(SIGTERM))
    }

    @Test("with --output inherit, and where nothing is a pipe, the job has our streams")
    func inherited() throws {
        let place = try Place()
        let job = ["sh", "-c", "readlink /proc/self/fd/1 /proc/$PPID/fd/1"]
        let plain = try place.supervise(["--output", "inherit"], job)
        #expect(try plain.waitForEnd() == .exited(0))
        var links = plain.lines(.output)
        #expect(links.count == 2 && links[0] == links[1])
        let filed = try place.supervise(
            ["--fresh"], job, inLine: "\"$@\" > out 2>&1; cat out")
        #expect(try filed.waitForEnd() == .exited(0))
        links = filed.lines(.output).filter { $0.hasPrefix("/") }
        #expect(links.count == 2 && links[0] == links[1] && links[0].hasSuffix("/out"))
    }

    @Test("what cannot be written to is the job's affair")
    func unwritable() throws {
        let place = try Place()
        _ = try place.directory.write("in", "")
        for options in [[], ["--capture"], ["--tty"]] {
            let program = try place.supervise(
                options + ["--fresh"], ["sh", "-c", "echo x; exit 7"], inLine: "\"$@\" 1< in")
            #expect(try program.waitForEnd() == .exited(7), "\(options)")
        }
    }

    @Test("options that exclude each other are refused, and the stronger source holds")
    func options() throws {
        let place = try Place()
        for options in [["--capture", "--output", "inherit"], ["--tty", "--output", "inherit"]] {
            let program = try place.supervise(options, ["true"])
            #expect(try program.waitForEnd() == .exited(125))
            #expect(program.text(.errors).contains("leave out one"))
        }
        let kept = try place.supervise(
            ["--capture"], ["echo", "x"], environment: ["SUPERVISE_OUTPUT": "inherit"])
        #expect(try kept.waitForEnd() == .exited(0))
        #expect(pathExists(place.file("output/attempt-0001.log")))
        let same = try place.supervise(["--output", "keep", "--fresh"], ["echo", "x"])
        #expect(try same.waitForEnd() == .exited(0))
        #expect(pathExists(place.file("output/attempt-0001.log")))
    }
}
