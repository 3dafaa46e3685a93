import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite("At a terminal with a shell", .onStage)
struct JobControlTests {
    private let place: Place

    init() throws { place = try Place() }

    private func states(_ pids: [String]) throws -> [String] {
        try pids.map(place.processState)
    }

    /// Two processes that tell their numbers and live on.
    private let pair = """
        trap 'echo got INT' INT; trap 'echo got TSTP' TSTP
        echo leader $$
        sh -c 'echo child $$; exec sleep 1000' &
        while :; do wait; done
        """

    @Test("ctrl-C reaches us and not the job, and the shell is told of it")
    func interrupt() throws {
        let shell = try place.shell()
        try shell.type(try place.typed(job: pair) + "; echo status $?")
        try shell.line(starting: "child")
        try shell.press(Program.controlC)
        _ = try shell.line(.output, "the line of the stop") {
            $0.contains("SIGINT: stopping the job")
        }
        // A shell that sees its command die by SIGINT gives up the whole line.
        try shell.type("echo status $?")
        try shell.line(starting: "status 130")
        #expect(!shell.text(.output).contains("got INT"))
        try shell.type("exit 0")
        #expect(try shell.waitForEnd() == .exited(0))
    }

    @Test("ctrl-Z stops the job and what it started with us, and fg lets all of them go on")
    func stopAndContinue() throws {
        let shell = try place.shell()
        try shell.type(try place.typed(job: pair))
        let all = try ["leader ", "child "].map {
            try shell.line(starting: $0).split(whereSeparator: \.isWhitespace)[1]
        }
        .map(String.init)
        for _ in 1...3 {
            try shell.press(Program.controlZ)
            _ = try shell.line(.output, "the shell's notice") { $0.contains("Stopped") }
            try waitBriefly { try states(all) == ["T", "T"] }
            try shell.type("fg")
            try waitBriefly { try !states(all).contains("T") }
        }
        // The terminal's own signal was never the job's.
        #expect(!shell.text(.output).contains("got TSTP"))
        try shell.press(Program.controlC)
        try shell.type("echo status $?")
        try shell.line(starting: "status 130")
        try shell.type("exit 0")
        #expect(try shell.waitForEnd() == .exited(0))
    }

    @Test("where no shell could let us go on, ctrl-Z stops nobody")
    func nobodyToContinue() throws {
        let call = [place.binary] + place.arguments([])
        let program = try place.atTerminal(
            call + ["sh", "-c", "trap 'echo still here' ALRM; echo ready; while :; do wait; done"])
        try program.line(starting: "ready")
        try program.press(Program.controlZ)
        // It comes after the other, and only whoever runs passes it on.
        try waitForChange(in: place.file("")) { try place.status().phase == .running }
        let pid = try #require(Int32(exactly: try place.status().supervisorPID))
        try ProcessHandle(opening: pid).signal(14)
        _ = try program.line(.output, "the signal after it") { $0.contains("still here") }
        #expect(try place.processState("\(pid)") != "T")
        try program.press(Program.controlC)
        #expect(try program.waitForEnd() == .exited(130))
    }

    @Test("time in which we stand still counts for no wait")
    func standingStill() throws {
        let shell = try place.shell()
        let job = "echo attempt $SUPERVISE_ATTEMPT; exit 1"
        try shell.type(try place.typed(["--backoff", "5s..5s"], job: job))
        try shell.line(starting: "attempt 1")
        _ = try shell.line(.output, "the failure") { $0.contains("starting again in") }
        try shell.press(Program.controlZ)
        _ = try shell.line(.output, "the shell's notice") { $0.contains("Stopped") }
        // More than the whole wait.
        #expect(try !shell.passes(.milliseconds(6200)))
        try shell.type("echo before; fg > fg.out")
        try shell.line(starting: "before")
        try shell.silence(for: .milliseconds(1500))
        try shell.line(starting: "attempt 2")
        try shell.press(Program.controlC)
        try shell.type("exit 0")
        _ = try shell.waitForEnd()
    }

    @Test("a new size of the window is told to the job, which can ask for it")
    func windowSize() throws {
        let call = [place.binary] + place.arguments([])
        let job = "trap 'echo size $(stty size <&2)' WINCH; echo ready; while :; do wait; done"
        let program = try place.atTerminal(call + ["sh", "-c", job])
        try program.line(starting: "ready")
        try program.say("size 33 77")
        try program.line(starting: "size 33 77")
        try program.press(Program.controlC)
        #expect(try program.waitForEnd() == .exited(130))
    }

    @Test("in the background, a terminal that stops whoever writes to it does not stop us")
    func background() throws {
        let shell = try place.shell()
        try shell.type("stty tostop")
        let call = try place.typed(job: "echo the job writes; exec sleep 1000")
        try shell.type("\(call) &")
        // Whoever is first.
        let said = ["the job writes", "supervise: run it, attempt 1"]
        let lines = try said.map { _ in
            try shell.line(.output, "the job's line and ours") { said.contains(where: $0.contains) }
        }
        #expect(lines[0] != lines[1])
        try waitForChange(in: place.file("")) { try place.status().phase == .running }
        let pid = try place.status().supervisorPID
        #expect(try place.processState("\(pid)") != "T")
        try shell.type("kill %1; wait %1; echo status $?")
        try shell.line(starting: "status 143")
        try shell.type("exit 0")
        _ = try shell.waitForEnd()
    }

    @Test("when the terminal goes we stop, and save what there is")
    func hangUp() throws {
        let shell = try place.shell()
        try shell.type(try place.typed(job: "echo here; exec sleep 1000"))
        try shell.line(starting: "here")
        try shell.say("hang-up")
        #expect(try shell.waitForEnd() == .exited(0))
        try waitForChange(in: place.file("")) { try place.status().phase == .finished }
        #expect(try place.record().outcome?.kind == .stopped)
    }

    @Test("under nohup we outlive the terminal, and nothing is said to the job")
    func nohup() throws {
        let shell = try place.shell()
        let job = """
            trap 'echo got HUP' HUP; echo here; trap 'exit 0' TERM
            sleep 1000 & while :; do wait; done
            """
        try shell.type("nohup \(try place.typed(job: job)) > '\(place.path)/out' 2>&1 &")
        try waitBriefly { try place.status().phase == .running }
        try shell.say("hang-up")
        #expect(try shell.waitForEnd() == .exited(0))
        let supervisor = try ProcessHandle(opening: Int32(try place.status().supervisorPID))
        #expect(try !supervisor.waitForEnd(atMost: .milliseconds(300)))
        try supervisor.signal(15)
        #expect(try supervisor.waitForEnd(atMost: patienceForEnd))
        let said = try place.directory.read("out")
        #expect(said.contains("here") && !said.contains("got HUP"))
    }

    private let patienceForEnd = Duration.seconds(20)
}
