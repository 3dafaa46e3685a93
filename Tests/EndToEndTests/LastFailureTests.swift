import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite("A job is told why it was started again", .onStage)
struct LastFailureTests {
    private static let limits = "only root limits memory, by groups of version 1"

    /// Of the job's environment; nil where it is not there.
    private func variable(_ program: Program) throws -> String? {
        try program.say("environment")
        var found: String?
        _ = try program.line(.output, "the end of the environment") { line in
            if line.hasPrefix("SUPERVISE_LAST_FAILURE=") { found = String(line.dropFirst(23)) }
            return line == "end of environment"
        }
        return found
    }

    @Test("by its environment and by its welcome: nothing at first, then crash")
    func crash() throws {
        let place = try Place()
        let program = try place.puppet(environment: ["SUPERVISE_LAST_FAILURE": "oom"])
        #expect(try program.hello(accepts: false).lastFailure == nil)
        #expect(try variable(program) == nil)
        try program.say("exit 3")
        try program.nextAttempt(2)
        let told = try #require(try program.hello(accepts: false).lastFailure)
        #expect(told.kind == .crash && told.exitCode == 3 && told.signal == nil)
        #expect(told.attempt == 1 && told.lostSeconds >= 0)
        #expect(try variable(program) == "crash")
        try program.say("die SEGV")
        try program.nextAttempt(3)
        #expect(try program.hello(accepts: false).lastFailure?.signal == "SIGSEGV")
        try place.stop(program)
    }

    @Test("hang, where it was killed for one")
    func hang() throws {
        let place = try Place()
        let program = try place.puppet(["--heartbeat-timeout", "300ms"])
        try program.nextAttempt(2)
        #expect(try program.hello(accepts: false).lastFailure?.kind == .hang)
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
    }

    @Test("machine, where its supervisor was killed; nothing, where the run was stopped")
    func machine() throws {
        let place = try Place()
        let first = try place.puppet()
        try first.signal(9)
        #expect(try first.waitForEnd() == .signaled(9))
        let second = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        try second.nextAttempt(2)
        #expect(try second.hello(accepts: false).lastFailure?.kind == .machine)
        #expect(try variable(second) == "machine")
        try place.stop(second)
        let third = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        try third.nextAttempt(3)
        #expect(try third.hello(accepts: false).lastFailure == nil)
        #expect(try variable(third) == nil)
        try place.stop(third)
    }

    @Test("what it lost is the time since the newest checkpoint, else since its start")
    func lost() throws {
        let place = try Place()
        let start = MonotonicTime.now()
        let program = try place.puppet(["--max-failures", "9"])
        _ = try program.hello(accepts: false)
        #expect(!(try program.passes(.milliseconds(400))))
        try program.say("exit 3")
        try program.nextAttempt(2)
        let first = try #require(try program.hello(accepts: false).lastFailure)
        let all = (MonotonicTime.now() - start).seconds
        #expect((0.4...all).contains(first.lostSeconds), "\(first.lostSeconds) of \(all)")
        #expect(!(try program.passes(.milliseconds(800))))
        try program.checkpoint(step: 1)
        let saved = MonotonicTime.now()
        #expect(!(try program.passes(.milliseconds(100))))
        try program.say("exit 3")
        try program.nextAttempt(3)
        let second = try #require(try program.hello(accepts: false).lastFailure)
        // A checkpoint holds the state at its `begin`.
        let most = (MonotonicTime.now() - saved).seconds + 0.7
        #expect((0.1...most).contains(second.lostSeconds), "\(second.lostSeconds) of \(most)")
        try place.stop(program)
    }

    /// Runs a command with its supervisor in a group with so little memory.
    private func limited(
        _ limit: MemoryLimit, _ place: Place, _ options: [String], _ command: [String],
        environment: [String: String] = [:]
    ) throws -> Program {
        let enter = ["sh", "-c", "echo $$ > \"$0\" && exec \"$@\"", "\(limit.path)/cgroup.procs"]
        let all = place.arguments(["--backoff", "0ms..0ms"] + options)
        return try place.start(
            enter + [place.binary] + all + command, environment: environment)
    }

    @Test(
        "oom, where the kernel killed the leader for lack of memory",
        .enabled(if: MemoryLimit.isPossible, "\(limits)"))
    func outOfMemory() throws {
        let place = try Place()
        let limit = try MemoryLimit(bytes: 96 << 20)
        let line = """
            if [ $SUPERVISE_ATTEMPT = 1 ]; then exec python3 -c 'x = bytearray(1 << 30)'; fi
            echo "told $SUPERVISE_LAST_FAILURE"
            """
        let program = try limited(limit, place, [], ["sh", "-c", line])
        #expect(try program.line(starting: "told ") == "told oom")
        #expect(try program.waitForEnd() == .exited(0))
        #expect(try limit.kills() == 1)
        let status = try place.status()
        #expect(status.lastFailure?.kind == .oom && status.lastFailure?.signal == "SIGKILL")
        #expect(program.text(.errors).contains(", out of memory"))
        let shown = try place.call(["status", "--state-dir", place.state, "it"])
        #expect(try shown.waitForEnd() == .exited(0))
        #expect(shown.text(.output).contains("1 (out of memory "))
    }

    @Test(
        "oom, where it killed a child only, and the leader then failed; crash, where it killed none",
        .enabled(if: MemoryLimit.isPossible, "\(limits)"))
    func child() throws {
        let place = try Place()
        let limit = try MemoryLimit(bytes: 96 << 20)
        let line = """
            echo "told $SUPERVISE_LAST_FAILURE"
            case $SUPERVISE_ATTEMPT in
                1) python3 -c 'x = bytearray(1 << 30)' || exit 5 ;;
                2) exit 6 ;;
            esac
            """
        let program = try limited(limit, place, [], ["sh", "-c", line])
        for told in ["told ", "told oom", "told crash"] {
            #expect(try program.line(starting: "told") == told)
        }
        #expect(try program.waitForEnd() == .exited(0))
    }

    @Test(
        "a job that halves its batch whenever it ran out of memory completes",
        .enabled(if: MemoryLimit.isPossible, "\(limits)"))
    func halves() throws {
        let place = try Place()
        let limit = try MemoryLimit(bytes: 192 << 20)
        let program = try limited(
            limit, place, [], ["python3", "\(repository)/examples/halve_batch.py"],
            environment: ["BATCH_MB": "400", "PYTHONDONTWRITEBYTECODE": "1"])
        #expect(try program.waitForEnd() == .exited(0), "\(program.text(.errors))")
        let batches = program.lines(.output).filter { $0.hasPrefix("batch ") }
        #expect(batches == ["batch 400", "batch 200", "batch 100"])
        #expect(try limit.kills() == 2)
        #expect(try place.status().progress.step == 20)
    }
}
