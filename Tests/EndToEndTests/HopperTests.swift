import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Thirty processes that fork and leave every half a millisecond, under a limit of processes of a user of
/// their own.
@Suite(
    "A job of processes that fork and leave very fast", .onStage,
    .enabled(if: userId() == 0 && Hoppers.isPossible, "only root, with a compiler for C, tries it"))
struct HopperTests {
    private let place: Place
    private let user: Int
    private let hopper: String
    private let binary: String

    init() throws {
        place = try Place()
        let number = try #require(Int(randomHex(bytes: 2), radix: 16))
        user = 140_000 + number
        hopper = try Hoppers.compile(in: place)
        binary = "\(place.path)/supervise"
        let make = "install -m 755 \"$1\" \"$2\" && chown -R \"$3\" \"$4\""
        let prepared = try place.start([
            "sh", "-c", make, "sh", place.binary, binary, "\(user)", place.path,
        ])
        guard try prepared.waitForEnd() == .exited(0) else { throw prepared.failure("no place") }
    }

    /// No more than so many processes, so that a failure of ours is none of the machine's.
    private func supervise(
        _ options: [String], _ job: String, name: String = Place.name
    ) throws -> Program {
        let limit = ["prlimit", "--nproc=3000:3000"]
        let identity = ["setpriv", "--reuid", "\(user)", "--regid", "\(user)", "--clear-groups"]
        let call = [binary] + place.arguments(["--backoff", "0ms..0ms"] + options, name: name)
        return try place.start(
            identity + limit + call + ["sh", "-c", job, "sh", hopper], hasInput: true)
    }

    /// The numbers and states of the user's processes.
    private func states() throws -> [String] {
        let call = try place.start(["ps", "-U", "\(user)", "-o", "pid=,s="])
        _ = try call.waitForEnd()
        return call.lines(.output)
    }

    /// How many processes the user has, with those that have ended and nobody has reaped.
    private func count() throws -> Int {
        let call = try place.start(["ps", "-U", "\(user)", "-o", "pid="])
        _ = try call.waitForEnd()
        return call.lines(.output).count
    }

    @Test("is ended before the next attempt, and at a stop in its time")
    func restartAndStop() throws {
        let job = """
            "$1" 30; echo attempt $SUPERVISE_ATTEMPT; read x
            [ $SUPERVISE_ATTEMPT = 1 ] && exit 3; exit 0
            """
        let program = try supervise(["--stop-timeout", "1s"], job)
        try program.line(starting: "attempt 1")
        // They hop for a while: what has ended does not pile up.
        _ = try program.passes(.milliseconds(500))
        #expect(try count() < 2000)
        try program.say("")
        try program.line(starting: "attempt 2")
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(try count() == 0)
        #expect(!program.text(.errors).contains("does not end"))
        #expect(!program.text(.errors).contains("waiting for the machine"))
    }

    @Test("stands still while it is paused")
    func paused() throws {
        let program = try supervise(["--stop-timeout", "1s"], "\"$1\" 30; echo here; read x")
        try program.line(starting: "here")
        let pause = try place.start([binary, "pause", Place.name, "--state-dir", place.state])
        #expect(try pause.waitForEnd() == .exited(0))
        let before = try states().filter { $0.hasSuffix(" T") }
        _ = try program.passes(.milliseconds(300))
        #expect(try states().filter { $0.hasSuffix(" T") } == before)
        #expect(before.count >= 30)
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(try count() == 0)
    }

    @Test("beside others of its kind is stopped in its time, too")
    func several() throws {
        let job = "\"$1\" 30; echo here; read x"
        let all = try (0..<3).map { number in
            try supervise(["--stop-timeout", "1s"], job, name: "it\(number)")
        }
        for program in all { try program.line(starting: "here") }
        for program in all { try program.signal(15) }
        for program in all {
            #expect(try program.waitForEnd() == .signaled(15))
            #expect(!program.text(.errors).contains("does not end"))
        }
        #expect(try count() == 0)
    }

    @Test("ends with its supervisor")
    func supervisorKilled() throws {
        let program = try supervise([], "\"$1\" 30; echo here; read x")
        try program.line(starting: "here")
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        try waitBriefly { try count() == 0 }
    }
}

/// A program in C that starts so many processes and ends; each of them starts its successor and ends, for ever.
private enum Hoppers {
    static let source = """
        #include <signal.h>
        #include <stdlib.h>
        #include <time.h>
        #include <unistd.h>
        int main(int count, char **words) {
            struct timespec wait = {0, 500000};
            signal(SIGTERM, SIG_IGN);
            for (int number = atoi(words[count - 1]); number > 0; number--) {
                if (fork() != 0) continue;
                for (int file = 0; file < 3; file++) close(file);
                setsid();
                for (;;) {
                    nanosleep(&wait, NULL);
                    if (fork() > 0) _exit(0);
                }
            }
            return 0;
        }

        """

    static func compile(in place: Place) throws -> String {
        let file = "\(place.path)/hopper"
        try Disk().writeFile("\(file).c", Array(source.utf8))
        let compiler = try place.start(["cc", "-O1", "-o", file, "\(file).c"])
        guard try compiler.waitForEnd() == .exited(0) else { throw compiler.failure("no hopper") }
        return file
    }

    static let isPossible: Bool = {
        guard let place = try? Place() else { return false }
        return (try? compile(in: place)) != nil
    }()
}
