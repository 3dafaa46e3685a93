import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// A job that tells of ten thousand metrics again and again.
@Suite("Many metrics", .onStage)
struct ManyMetricsTests {
    private let job = """
        import json, os, socket, sys
        s = socket.socket(socket.AF_UNIX)
        s.connect(os.environ["SUPERVISE_SOCKET"])
        def say(**message):
            s.sendall(json.dumps(message).encode() + b"\\n")
        say(type="hello", protocol=1, token=os.environ["SUPERVISE_TOKEN"])
        s.recv(1 << 16)
        names = ["metric_%05d" % n for n in range(10000)]
        for step in range(1, 201):
            say(type="progress", step=step, metrics={name: step for name in names})
        print("told", flush=True)
        sys.stdin.readline()
        """

    private func seconds(_ pid: Int) throws -> Double {
        let text = try readSmallFile("/proc/\(pid)/stat")
        let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
        return (Double(fields[12]) ?? 0) / 100 + (Double(fields[13]) ?? 0) / 100
    }

    @Test("only the newest of those that come fast are parsed, every step counts, and all is told")
    func newest() throws {
        let place = try Place()
        try place.directory.write("job.py", job)
        let program = try place.supervise([], ["python3", "job.py"], hasInput: true)
        try program.line(starting: "told")
        try waitForChange(in: place.file("")) {
            try place.status().progress.step == 200
                && place.status().progress.metrics["metric_00999"] == 200
        }
        let status = try place.status()
        #expect(status.progress.metrics.count == 1000 && status.progress.metricsLeftOut == 9000)
        // To parse all of it takes ten times as long.
        let used = try seconds(status.supervisorPID)
        #expect(used < 4, "\(used) s")
        let shown = try place.call(["status", "it", "--state-dir", place.state])
        #expect(try shown.waitForEnd() == .exited(0))
        #expect(shown.text(.output).contains("metric_00007 200  and 9992 more metrics"))
        try program.say("end")
        #expect(try program.waitForEnd() == .exited(0))
        #expect(try place.status().progress.step == 200)
    }
}
