import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Jobs that find the disk full while they write, on real file systems without a free block or inode,
/// which only root can mount.
@Suite(
    "A job that fills its disk", .onStage, .enabled(if: userId() == 0, "only root mounts"),
    .serialized)
struct FillingJobTests {
    /// The resource that is used up.
    enum Shortage: String, CaseIterable {
        case tmpfsBlocks, tmpfsInodes, ext4Blocks, ext4Inodes

        /// Mounts a small file system of its kind on `state`.
        var mount: String {
            switch self {
            case .tmpfsBlocks: "mount -t tmpfs -o size=2m none state"
            case .tmpfsInodes: "mount -t tmpfs -o size=8m,nr_inodes=160 none state"
            case .ext4Blocks: Self.image(size: "4M", inodes: 2000)
            case .ext4Inodes: Self.image(size: "8M", inodes: 192)
            }
        }

        private static func image(size: String, inodes: Int) -> String {
            "truncate -s \(size) image && mke2fs -q -t ext4 -O ^has_journal -m 0 -N \(inodes) image"
                + " && mount -o loop image state"
        }

        /// Uses up what there is in the current directory, until nothing is left.
        var filling: String {
            switch self {
            case .tmpfsBlocks, .ext4Blocks: "cat /dev/zero > filling"
            case .tmpfsInodes, .ext4Inodes:
                "i=0; while : > f$i; do i=$((i + 1)); done"
            }
        }
    }

    private let place: Place

    init() throws {
        place = try Place()
        _ = try place.directory.makeDirectory("state")
    }

    /// In a mount namespace of its own; nil where the machine does not allow the mount.
    private func start(
        _ shortage: Shortage, _ options: [String], _ command: [String]
    ) throws -> Program? {
        let trial = try place.start(
            ["unshare", "--mount", "sh", "-c", "\(shortage.mount) && umount state; rm -f image"])
        _ = try trial.waitForEnd()
        guard trial.text(.errors).isEmpty else {
            print("not run: \(shortage.rawValue) cannot be mounted here: \(trial.text(.errors))")
            return nil
        }
        let call = [place.binary] + place.arguments(["--backoff", "0ms..0ms"] + options) + command
        return try place.start(
            ["unshare", "--mount", "sh", "-c", shortage.mount + " && exec \"$@\"", "sh"] + call,
            hasInput: true)
    }

    private func puppet(_ shortage: Shortage) throws -> Program? {
        guard let program = try start(shortage, [], [place.fixture, "puppet"]) else { return nil }
        try program.nextAttempt(1)
        try program.hello()
        for step in 1...4 as ClosedRange<Int64> { try save(program, step) }
        return program
    }

    /// 200 kB in ten files.
    private func save(_ program: Program, _ step: Int64, request: Int? = nil) throws {
        try program.send(.begin(.init(step: step, request: request)))
        let began = try program.began()
        let line = "for n in 0 1 2 3 4 5 6 7 8 9; do head -c 20000 /dev/zero > $n || exit; done"
        try program.say("run cd \(began.path) && \(line); echo written \(step)")
        try program.line(starting: "written \(step)")
        try program.send(.commit(.init(id: began.id, request: request)))
        _ = try program.committed()
    }

    private func fill(_ program: Program, _ shortage: Shortage, in path: String) throws {
        try program.say("run cd \(path); (\(shortage.filling)) 2> /dev/null; echo filled")
        try program.line(starting: "filled")
    }

    /// The mount goes with the processes.
    private func kill(_ program: Program) throws {
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
    }

    /// Of the supervisor's own mounts.
    private func checkpoints(_ program: Program) throws -> [String] {
        let path = "/proc/\(program.pid)/root\(place.file("checkpoints"))"
        return try Disk().list(path).map(\.name).sorted()
    }

    @Test("says so, and is asked once more when there is room", arguments: Shortage.allCases)
    func says(shortage: Shortage) throws {
        guard let program = try puppet(shortage) else { return }
        try program.signal(10)
        let request = try program.request().request
        try program.send(.begin(.init(step: 5, request: request)))
        let began = try program.began()
        try fill(program, shortage, in: began.path)
        try program.send(.abort(.init(id: began.id, code: "no_space")))
        #expect(try program.message().message == .aborted)
        try program.send(.failed(.init(request: request, error: "full", code: "no_space")))
        try program.errorLine(with: "the disk is full: removing checkpoint 000001-step-1, whatever")
        let second = try program.request()
        #expect(second.request == request + 1 && second.reason == .manual)
        try save(program, 5, request: second.request)
        #expect(try checkpoints(program).last == "000006-step-5")
        // Nothing is left half deleted.
        #expect(try checkpoints(program).allSatisfy { CheckpointID($0) != nil })
        try kill(program)
    }

    @Test(
        "all around it loses the oldest checkpoint, and never the newest",
        arguments: Shortage.allCases)
    func full(shortage: Shortage) throws {
        guard let program = try puppet(shortage) else { return }
        // Outside of what is dropped: only checkpoints can make room.
        try fill(program, shortage, in: place.state)
        try program.send(.begin(.init(step: 5)))
        if case .began(let began) = try program.message().message {
            try program.send(.abort(.init(id: began.id, code: "no_space")))
            #expect(try program.message().message == .aborted)
        }
        try waitBriefly { try !checkpoints(program).contains("000001-step-1") }
        #expect(try checkpoints(program).contains("000004-step-4"))
        try program.say("die KILL")
        try program.nextAttempt(2)
        #expect(try program.hello().resume?.id.description == "000004-step-4")
        try kill(program)
    }

    @Test("and only dies of it has room when it is started again", arguments: Shortage.allCases)
    func dies(shortage: Shortage) throws {
        guard let program = try puppet(shortage) else { return }
        try program.send(.begin(.init(step: 5)))
        _ = try program.began()
        // Somebody else has taken all there was, so that dropping what is staged helps nothing.
        try fill(program, shortage, in: place.state)
        try program.say("exit 1")
        try program.nextAttempt(2)
        try program.errorLine(with: "the disk is full: removing checkpoint")
        _ = try program.hello(accepts: false)
        try waitBriefly { try !checkpoints(program).contains("000001-step-1") }
        try kill(program)
    }

    @Test(
        "a job with the Python client goes on saving",
        arguments: [Shortage.tmpfsBlocks, .ext4Blocks])
    func python(shortage: Shortage) throws {
        let client = try Disk().readFile("examples/supervise_job.py", limit: 1 << 20)
        try place.directory.write("supervise_job.py", String(decoding: client, as: UTF8.self))
        let job = """
            import os, signal
            from supervise_job import Job
            job = Job()
            for step in range(1, 13):
                os.kill(os.getppid(), signal.SIGUSR1)
                tries = 0
                while True:
                    while not job.checkpoint_due: pass
                    try:
                        job.save(os.urandom(400_000), step=step, wait=True)
                        break
                    except Exception as error:
                        # It is asked once more, when there is room.
                        tries += 1
                        if tries == 2: raise
                job.progress(step=step)
            print("saved all", flush=True)
            """
        try place.directory.write("job.py", job)
        guard let program = try start(shortage, ["--keep-last", "100"], ["python3", "job.py"])
        else { return }
        #expect(try program.waitForEnd() == .exited(0), "\(program.text(.errors))")
        #expect(program.text(.output).contains("saved all"))
        #expect(program.text(.errors).contains("the disk is full: removing"))
    }
}
