import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// The last files of a job: which come first, and which are complete.
@Suite("The last files of a job that is watched", .onStage)
struct WatchEndTests {
    /// How a job without the protocol ends at SIGTERM, after it has saved.
    struct Farewell: Sendable, CustomTestStringConvertible {
        var name: String
        var script: String

        var testDescription: String { name }

        /// Opens its file under its own name, so that only a close tells that it is complete.
        static let python = """
            import os, signal, sys, time
            def save(*_):
                with open("out/state", "w") as file:
                    file.write("whole ")
                    file.flush()
                    time.sleep(0.1)
                    file.write("state")
                END
            signal.signal(signal.SIGTERM, save)
            print("up", flush=True)
            while True: time.sleep(100)
            """

        private static func ending(_ line: String) -> String {
            python.replacing("    END", with: "    \(line)")
        }

        private static let reraise =
            "signal.signal(signal.SIGTERM, signal.SIG_DFL); os.kill(os.getpid(), signal.SIGTERM)"

        static let all: [Farewell] = [
            .init(name: "exit 0", script: "exec python3 -c '\(ending("sys.exit(0)"))'"),
            .init(name: "exit 3", script: "exec python3 -c '\(ending("sys.exit(3)"))'"),
            .init(name: "SIGTERM once more", script: "exec python3 -c '\(ending(reraise))'"),
            .init(
                name: "SIGTERM once more, behind a shell that hands it on and exits with 143",
                script: """
                    trap 'kill -TERM $job; wait $job; exit 143' TERM
                    python3 -c '\(ending(reraise))' & job=$!
                    while :; do wait; done
                    """),
            .init(
                name: "exit 0, behind a shell that SIGTERM ends",
                script: "python3 -c '\(ending("sys.exit(0)"))'; echo not reached"),
            .init(
                name: "SIGTERM once more, behind a shell that SIGTERM ends",
                script: "python3 -c '\(ending(reraise))'; echo not reached"),
        ]
    }

    @Test("what it saves at SIGTERM is taken, however it then ends", arguments: Farewell.all)
    func farewell(_ farewell: Farewell) throws {
        let place = try Place()
        _ = try place.directory.makeDirectory("out")
        try place.directory.write("job.sh", farewell.script)
        let program = try place.supervise(["--watch", "out/state"], ["sh", "job.sh"])
        try program.line(starting: "up")
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
        let events = try place.events()
        #expect(place.checkpoints == ["000001"], "\(events) \(program.text(.errors))")
        #expect(try place.manifest("000001").bytes == 11)
    }

    @Test(
        "what its death closes is not taken in a stop either, and that is said",
        arguments: ["TERM", "KILL"])
    func closedByDeath(signal: String) throws {
        let place = try Place()
        _ = try place.directory.makeDirectory("out")
        try place.directory.write(
            "job.py",
            """
            import signal, sys, time
            if sys.argv[1] == "KILL": signal.signal(signal.SIGTERM, lambda *_: None)
            file = open("out/state", "w")
            file.write("half")
            file.flush()
            print("up", flush=True)
            while True: time.sleep(100)
            """)
        let program = try place.supervise(
            ["--watch", "out/state", "--stop-timeout", "200ms"], ["python3", "job.py", signal])
        try program.line(starting: "up")
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(place.checkpoints == [])
        #expect(program.text(.errors).contains("out/state was closed when the job died"))
    }

    @Test("what it had closed before SIGKILL is taken")
    func closedBeforeKill() throws {
        let scene = try WatchScene(["--watch", "out/state-*", "--stop-timeout", "1s"])
        let line = "n=0; while :; do n=$((n+1)); echo whole > out/state-$n; sleep 0.05; done"
        try scene.program.say("run \(line)")
        try scene.waitForCheckpoints(1)
        try scene.program.signal(15)
        #expect(try scene.program.waitForEnd() == .signaled(15))
        let written = try Disk().list("\(scene.place.path)/out").compactMap { entry in
            Int64(entry.name.dropFirst("state-".count))
        }
        let last = try #require(scene.place.checkpoints.last.flatMap { CheckpointID($0) })
        // The very last may be half written.
        #expect(try #require(last.step) >= #require(written.max()) - 1)
        #expect(try scene.contents().last == "whole")
    }

    @Test("a stop takes the newest first, and says which older ones it passes over")
    func newestFirst() throws {
        let scene = try WatchScene(["--watch", "out/state-*", "--watch", "out/large"])
        // It keeps the others waiting.
        try scene.run("head -c 300000000 /dev/zero > out/part && mv out/part out/large")
        try scene.run(
            "for n in 1 2 3 4 5; do echo state of $n > out/part; mv out/part out/state-$n; done")
        try scene.program.signal(15)
        try scene.program.line(starting: "signal SIGTERM")
        try scene.run("echo state of 6 > out/part; mv out/part out/state-6")
        try scene.program.say("exit 0")
        #expect(try scene.program.waitForEnd() == .signaled(15))
        let last = try #require(scene.place.checkpoints.last)
        #expect(last.hasSuffix("-step-6"), "\(scene.place.checkpoints)")
        let told = try scene.warnings().filter { $0.contains("a newer file was taken first") }
        #expect(told.count <= 1)
        #expect(try scene.failures() == 0)
    }

    @Test("the copy of an older file is given up when a newer one is complete in a stop")
    func givenUp() throws {
        let place = try Place()
        _ = try place.directory.makeDirectory("out")
        // Too large to be copied in the time of the stop, where blocks cannot be shared.
        let scene = try WatchScene(
            ["--watch", "out/*", "--stop-timeout", "5s", "--keep-last", "9"], in: place)
        try scene.run("truncate -s 400G ../big && mv ../big out/large-1")
        try waitBriefly { !place.names(in: "staging").isEmpty }
        try scene.program.signal(15)
        try scene.program.line(starting: "signal SIGTERM")
        try scene.run("echo final > part; mv part out/final-2")
        try scene.program.say("exit 0")
        #expect(try scene.program.waitForEnd() == .signaled(15))
        #expect(place.checkpoints.count == 1)
        #expect(place.checkpoints.first?.hasSuffix("step-2") == true, "\(place.checkpoints)")
        #expect(
            try scene.warnings().contains {
                $0.contains("out/large-1: not taken, as the attempt ends")
            })
    }
}
