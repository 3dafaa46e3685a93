import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// A run whose job works and saves by itself, under a supervisor that is killed and started again.
///
/// The job writes into a file what it was told, so that a test sees after each life whether a promise
/// was broken. It has a lock of its own: of two jobs at once, the second says so.
final class BusyRun {
    let place: Place
    private(set) var program: Program?
    /// Standard error of all supervisors of this run, for a failure.
    private(set) var said = ""

    private static let job = """
        import fcntl, hashlib, os, sys, time
        sys.path.insert(0, sys.argv[1])
        from supervise_job import Job, SuperviseError, SupervisorLost

        log = os.open("log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        def say(text): os.write(log, (text + "\\n").encode())
        def digest(before, step):
            return hashlib.sha256(("%s %d" % (before, step)).encode()).hexdigest()

        lock = os.open("job.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("two")
        job = Job()
        state = job.load(default={"step": 0, "digest": ""})
        say("start %d %d %d" % (job.attempt, os.getpid(), state["step"]))
        while not job.stopping:
            step = state["step"] + 1
            state = {"step": step, "digest": digest(state["digest"], step)}
            job.progress(step=step)
            time.sleep(0.002)
            if step % 3 == 0 or job.checkpoint_due:
                try:
                    job.save(state, step=step, wait=True)
                    say("saved %d" % step)
                except SupervisorLost:
                    raise
                except (SuperviseError, OSError) as error:
                    say("refused %s" % error)
            if os.path.exists("finish"):
                expected = ""
                for number in range(1, step + 1):
                    expected = digest(expected, number)
                say("result %s" % ("right" if expected == state["digest"] else "wrong"))
                sys.exit(0)
        """

    init() throws {
        place = try Place()
        _ = try place.directory.write("job.py", Self.job)
    }

    /// The options of `supervise`.
    var arguments: [String] {
        place.arguments([
            "--checkpoint-every", "off", "--backoff", "0ms..0ms", "--max-failures", "999999",
            "--rollback-after", "999999", "--keep-last", "3", "--checkpoint-timeout", "10s",
        ]) + ["python3", "-B", "job.py", "\(repository)/examples"]
    }

    /// - Parameter tracer: what comes before `supervise` on the command line.
    func start(_ tracer: [String] = []) throws -> Program {
        let program = try place.start(tracer + [place.binary] + arguments)
        self.program = program
        return program
    }

    /// Waits for the end of the supervisor that was started last.
    func waitForEnd() throws -> Ending {
        guard let program else { throw TestFailure("nothing was started") }
        let ending = try program.waitForEnd()
        said += program.text(.errors)
        self.program = nil
        return ending
    }

    /// The attempt that said something last: its pid.
    var jobPID: Int32? { account.pid }

    /// What the job has written so far, in order.
    struct Account {
        var pid: Int32?
        var attempt = 0
        /// The highest step that was acknowledged as safe to the job.
        var saved: Int64 = 0
        var saves = 0
        var starts = 0
        var result: String?
        /// What must not be.
        var broken: [String] = []
    }

    var account: Account {
        var account = Account()
        let text = (try? readSmallFile("\(place.path)/log")) ?? ""
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            let numbers = words.dropFirst().compactMap { Int64($0) }
            switch words.first {
            case "two": account.broken.append("two jobs at once")
            case "start" where numbers.count == 3: account.start(numbers)
            case "saved" where numbers.count == 1:
                account.saved = max(account.saved, numbers[0])
                account.saves += 1
            case "result": account.result = words.last
            default: break
            }
        }
        return account
    }

    /// Every checkpoint that can be seen is whole, and the commands can read the run.
    func expectWhole(_ said: Comment) throws {
        for command in [["status", "it"], ["checkpoints", "it", "verify"]] {
            let call = try place.call(command + ["--state-dir", place.state])
            let ending = try call.waitForEnd()
            #expect(ending == .exited(0), "\(said): \(call.text(.output))\(call.text(.errors))")
        }
    }

    /// Lets the job finish: its result is that of a job that nobody disturbed.
    func finish(_ said: Comment) throws {
        _ = try place.directory.write("finish", "")
        _ = try start()
        let ending = try waitForEnd()
        #expect(ending == .exited(0), "\(said): \(self.said.suffix(2000))")
        let account = account
        #expect(account.broken.isEmpty, "\(said): \(account.broken)")
        #expect(account.result == "right", said)
        #expect(try place.record().outcome?.kind == .completed, said)
        try expectWhole(said)
    }
}

extension BusyRun.Account {
    /// - Parameter numbers: the attempt, its pid, and the step that it goes on from.
    fileprivate mutating func start(_ numbers: [Int64]) {
        if numbers[2] < saved {
            broken.append("attempt \(numbers[0]) goes on from \(numbers[2]), and \(saved) was safe")
        }
        if numbers[0] <= attempt {
            broken.append("attempt \(numbers[0]) comes after \(attempt)")
        }
        attempt = Int(numbers[0])
        pid = Int32(numbers[1])
        starts += 1
    }
}
