import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Old output and old events on a small disk, which only root can mount.
@Suite(
    "A disk that is full of old output", .onStage, .enabled(if: userId() == 0, "only root mounts"))
struct RoomFromLogsTests {
    private let place: Place

    init() throws {
        place = try Place()
        _ = try place.directory.makeDirectory("state")
    }

    /// A puppet whose first attempt has written 14.9 MB, on a file system of 24 MB.
    private func start() throws -> Program {
        try place.directory.write(
            "job.sh",
            """
            if [ ! -e filled ]; then
                : > filled
                yes 'a line as long as lines of output often are' | head -c 14900000; echo
                exit 1
            fi
            exec \(place.fixture) puppet
            """)
        let all = [
            "--backoff", "0ms..0ms", "--keep-last", "1", "--capture", "--capture-max", "5MB",
        ]
        let call = [place.binary] + place.arguments(all) + ["sh", "job.sh"]
        let line = "mount -t tmpfs -o size=24m none state && exec \"$@\""
        let program = try place.start(
            ["unshare", "--mount", "sh", "-c", line, "sh"] + call, hasInput: true)
        try program.nextAttempt(2)
        return program
    }

    private func names(_ program: Program, _ directory: String) throws -> [String] {
        try Disk().list("/proc/\(program.pid)/root\(place.file(directory))").map(\.name).sorted()
    }

    @Test("makes room for each checkpoint, by the oldest of it, and that is told")
    func saves() throws {
        let program = try start()
        try program.hello(accepts: false)
        let before = try names(program, "output")
        #expect(before.count >= 4, "\(before)")
        let large = try place.directory.write("large", String(repeating: "x", count: 6_000_000))
        for step in 1...6 as ClosedRange<Int64> {
            try program.send(.add(.init(path: large, step: step)))
            #expect(try program.committed().id.step == step)
        }
        let line = try program.errorLine(with: "the disk is full: removed")
        #expect(line.contains("of old output ("))
        #expect(!program.text(.errors).contains("whatever the rules say"), "no checkpoint went")
        let left = try names(program, "output")
        #expect(left.count < before.count && left.last == before.last, "\(left)")
        let events = try Disk().readFile(
            "/proc/\(program.pid)/root\(place.file("events.jsonl"))", limit: 1 << 20)
        #expect(String(decoding: events, as: UTF8.self).contains(#""event":"logs_removed""#))
        try place.stop(program)
    }

    @Test("makes room where the job itself finds the disk full, and it is asked once more")
    func asked() throws {
        let program = try start()
        try program.hello()
        let large = try place.directory.write("large", String(repeating: "x", count: 8_000_000))
        try program.send(.add(.init(path: large, step: 1)))
        _ = try program.committed()
        try program.signal(10)
        let request = try program.request().request
        try program.send(.begin(.init(step: 2, request: request)))
        let began = try program.began()
        try program.say("run cp \(large) \(began.path)/x 2>/dev/null || echo no room")
        try program.line(starting: "no room")
        try program.send(.abort(.init(id: began.id, code: "no_space")))
        #expect(try program.message().message == .aborted)
        let second = try program.request()
        #expect(second.request == request + 1)
        try program.send(.begin(.init(step: 2, request: second.request)))
        let again = try program.began()
        try program.say("run cp \(large) \(again.path)/x && echo copied")
        try program.line(starting: "copied")
        try program.send(.commit(.init(id: again.id, request: second.request)))
        #expect(try program.committed().id.step == 2)
        // It would wait for a final checkpoint.
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
    }
}
