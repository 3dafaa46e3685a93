import SuperviseSystem
import TestSupport
import Testing

/// What two thousand restarts leave in the supervisor: nothing.
@Suite("A long life", .onStage)
struct LongLifeTests {
    private struct Footprint: Equatable {
        var descriptors: Int
        var children: Int
        var threads: Int
    }

    private func footprint(_ pid: Int32) throws -> Footprint {
        Footprint(
            descriptors: try Disk().list("/proc/\(pid)/fd").count,
            children: try readSmallFile("/proc/\(pid)/task/\(pid)/children")
                .split(separator: " ").count,
            threads: try Disk().list("/proc/\(pid)/task").count)
    }

    /// Memory that is its own and in use, in KiB.
    private func memory(_ pid: Int32) throws -> Int {
        let line = try readSmallFile("/proc/\(pid)/status").split(separator: "\n")
            .first { $0.hasPrefix("RssAnon:") }
        return try #require(line?.split(separator: " ").compactMap { Int($0) }.first)
    }

    @Test("after 2,000 restarts no descriptor, child, thread or memory is more than before")
    func restarts() throws {
        let place = try Place()
        // Each one leaves an orphan in a session of its own.
        let script = try place.directory.write(
            "job",
            """
            #!/bin/sh
            case $SUPERVISE_ATTEMPT in
                300 | 2300) echo here; read line ;;
                *00) setsid sleep 1000 & ;;
            esac
            exit 1

            """, mode: 0o700)
        let program = try place.supervise(
            ["--max-failures", "1000000", "--quiet"], [script], hasInput: true)
        try program.line(starting: "here")
        // What is written at most once a second is out.
        try program.silence(for: .milliseconds(1500))
        let before = try footprint(program.pid)
        let bytes = try memory(program.pid)
        try program.say("on")
        try program.line(starting: "here")
        try program.silence(for: .milliseconds(1500))
        #expect(try footprint(program.pid) == before)
        #expect(before.children == 2)
        let growth = try memory(program.pid) - bytes
        #expect(growth < 1024, "\(growth) KiB more than \(bytes)")
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
    }
}
