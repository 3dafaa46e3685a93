import Glibc
import SuperviseFormats
import SuperviseSystem
import Testing

@testable import supervise

/// A job that says that it is there, by opening a pipe, and saves when it is asked to.
private let job = """
    import json, os, socket, sys
    s = socket.socket(socket.AF_UNIX)
    s.connect(os.environ["SUPERVISE_SOCKET"])
    lines = s.makefile("rw")
    def send(**message):
        lines.write(json.dumps(message) + "\\n")
        lines.flush()
    send(type="hello", protocol=1, token=os.environ["SUPERVISE_TOKEN"], accepts=["checkpoint"])
    lines.readline()
    open(sys.argv[1], "w").close()
    for line in lines:
        message = json.loads(line)
        if message["type"] == "checkpoint_request":
            send(type="begin", step=6, request=message["request"])
        elif message["type"] == "began":
            open(message["path"] + "/w.json", "w").write("x" * 51234)
            send(type="commit", id=message["id"])
        elif message["type"] == "stop":
            break
    """

@Suite("the built program")
struct BinaryTests {
    private let runs: RunsOnDisk
    private let binary: Binary

    init() throws {
        runs = try RunsOnDisk()
        binary = Binary(root: runs.root)
    }

    /// Starts a run, and returns when its job is connected.
    private func startJob() throws -> Binary.Call {
        let ready = try Binary.Readiness(in: runs.root)
        let command = ["python3", "-c", job, ready.path]
        let call = try binary.start(["--name", "a", "--stop-timeout", "5s", "--"] + command)
        try ready.wait()
        return call
    }

    @Test(
        "ends with the status of the command line's table",
        arguments: [
            (["--keep-lst", "3", "--", "true"], 125),
            (["--keep-last", "x", "--", "true"], 125),
            (["python3", "train.py"], 125),
            ([], 125),
            (["status", "--frob"], 125),
            (["status", "a/b"], 125),
            (["status"], 1),
            (["status", "missing"], 1),
            (["stop"], 1),
            (["checkpoint", "missing"], 1),
            (["list"], 0),
            (["--help"], 0),
            (["--version"], 0),
            (["resume", "--help"], 0),
        ] as [([String], Int32)])
    func statuses(arguments: [String], status: Int32) throws {
        let result = try binary.run(arguments)
        #expect(result.status == status)
        // One line for whoever has to read it.
        if status != 0 {
            #expect(result.output == "")
            #expect(result.messages.hasPrefix("supervise: "))
            #expect(result.messages.filter { $0 == "\n" }.count == 1)
            #expect(result.messages.hasSuffix("\n"))
        }
    }

    @Test("writes answers to standard output and notes to standard error")
    func streams() throws {
        let list = try binary.run(["list"])
        #expect(list.output == "")
        #expect(list.messages == "supervise: there are no runs in \(runs.root)\n")
        let version = try binary.run(["--version"])
        #expect(version.output == "supervise \(Help.version)\n")
        #expect(version.messages == "")
    }

    @Test("makes a checkpoint when it is asked to, and stops after a final one")
    func control() throws {
        let run = try startJob()
        let first = try binary.run(["checkpoint"])
        #expect(first.status == 0)
        let path = "\(runs.root)/a/checkpoints/000001-step-6/data"
        #expect(first.output.hasPrefix("checkpoint 000001-step-6, 51 kB in "))
        #expect(first.output.hasSuffix(": \(path)\n"))
        #expect(try Disk().status("\(path)/w.json").size == 51_234)
        let second = try binary.run(["checkpoint", "a", "--json"])
        let object = try JSONText.decode([String: JSONValue].self, from: second.output.utf8)
        #expect(object["id"] == .string("000002-step-6"))

        #expect(try binary.run(["resume", "a"]).status == 125)
        #expect(
            try binary.run(["status"]).output.hasPrefix("a  running  attempt 1  pid \(run.pid) "))

        let stop = try binary.run(["stop"])
        #expect(stop.status == 0)
        #expect(stop.output == "a stopped, newest checkpoint 000003-step-6\n")
        #expect(try run.finish().status == 128 + SIGTERM)
        let again = try binary.run(["stop", "a"])
        #expect(again.messages == "supervise: run a is not running (stopped)\n")
        #expect(again.status == 1)
        #expect(try binary.run(["checkpoints", "verify"]).output.hasSuffix("all good.\n"))
        #expect(
            try binary.run(["events"]).output.contains("  checkpoint 000003 at step 6, 51 kB in "))
    }

    @Test("stops without a final checkpoint where none is wanted")
    func noCheckpoint() throws {
        let run = try startJob()
        let stop = try binary.run(["stop", "--no-checkpoint", "--json"])
        #expect(stop.status == 0)
        let status = try JSONText.decode(Status.self, from: stop.output.utf8)
        #expect(status.outcome?.kind == .stopped)
        #expect(status.checkpoints == 0)
        #expect(try run.finish().status == 128 + SIGTERM)
    }

    @Test("resumes a run whose supervisor was killed, from its last checkpoint")
    func resume() throws {
        let ready = try Binary.Readiness(in: runs.root)
        let first = try binary.start(["--name", "a", "--", "python3", "-c", job, ready.path])
        try ready.wait()
        #expect(try binary.run(["checkpoint"]).status == 0)
        kill(first.pid, SIGKILL)
        #expect(try first.finish().status == 128 + SIGKILL)
        // Its guard keeps the lock until it has ended the job.
        _ = try FileLock.takeWaiting("\(runs.root)/.locks/a")
        #expect(try binary.run(["list", "--resumable"]).output.contains("\na     lost   "))
        let readyAgain = try Binary.Readiness(at: ready.path)
        let second = try binary.start(["resume", "a"])
        try readyAgain.wait()
        #expect(try binary.run(["stop"]).status == 0)
        let end = try second.finish()
        #expect(end.messages.contains("attempt 2, resuming from 000001-step-6 (verified, 51 kB)"))
    }

    @Test("says that a job which does not take requests makes no checkpoint")
    func plainJob() throws {
        let ready = try Binary.Readiness(in: runs.root)
        let script = "echo > \(ready.path); exec sleep 600"
        let run = try binary.start(["--name", "a", "--", "sh", "-c", script])
        try ready.wait()
        let refused = try binary.run(["checkpoint"])
        #expect(refused.status == 1)
        #expect(refused.messages.hasPrefix("supervise: "))
        #expect(try binary.run(["stop"]).output == "a stopped, no checkpoint\n")
        #expect(try run.finish().status == 128 + SIGTERM)
    }
}
