import Glibc
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText
import TestSupport
import Testing

@Suite("the lock of a run")
struct LockTests {
    private let scratch: Scratch
    private let paths: RunPaths

    init() throws {
        scratch = try Scratch()
        let name = try #require(RunName("run"))
        paths = RunPaths(stateDirectory: scratch.path, name: name)
        try StateDirectory(scratch.path).prepare()
    }

    private func isTaken(_ attempt: FileLock.Attempt) -> Bool {
        if case .taken = attempt { return true }
        return false
    }

    @Test("another process that holds it is named, and what it leaves is free")
    func twoProcesses() throws {
        let fifo = "\(scratch.path)/go"
        try systemCall("mkfifo") { mkfifo(fifo, 0o600) }
        // 37 is F_OFD_SETLK; the structure is struct flock of 64-bit Linux.
        let script = """
            import fcntl, os, struct
            fd = os.open("\(paths.lock)", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.fcntl(fd, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
            os.ftruncate(fd, 0)
            os.pwrite(fd, b"%d\\\\n" % os.getpid(), 0)
            print(os.getpid(), flush=True)
            open("\(fifo)").read()
            """
        let program = "\(scratch.path)/hold.py"
        try Disk().writeFile(program, Array(script.replacing("\\\\n", with: "\\n").utf8))
        let other = try ShellCommand("exec python3 \(program)")
        let line = try #require(other.readLine())
        let pid = try #require(Int32(line.dropLast()))
        #expect(try RunLock.holder(paths) == .process(pid))
        guard case .heldBy(pid) = try RunLock.acquire(paths) else {
            Issue.record("it was taken, or is held by another one")
            return
        }
        // The other end goes on when this one opens and closes.
        let descriptor = try systemCall("open", fifo) { open(fifo, O_WRONLY | O_CLOEXEC) }
        close(descriptor)
        #expect(other.finish() == 0)
        while try RunLock.holder(paths) != .nobody { sched_yield() }
        #expect(try isTaken(RunLock.acquire(paths)))
    }

    @Test("it is held as long as any process shares its descriptor")
    func shared() throws {
        let copy = try takeAndDuplicate()
        let inode = try Disk().status(paths.lock).inode
        #expect(try RunLock.holder(paths) == .process(getpid()))
        guard case .heldBy(getpid()) = try RunLock.acquire(paths) else {
            Issue.record("the lock was given twice")
            return
        }
        close(copy)
        // A process that another test has just forked holds a copy until its exec.
        while try RunLock.holder(paths) != .nobody { sched_yield() }
        #expect(try isTaken(RunLock.acquire(paths)))
        #expect(try Disk().status(paths.lock).inode == inode)
    }

    @Test("one that is shared with nobody is freed at once, whoever has just been forked")
    func released() throws {
        guard case .taken(let lock) = try RunLock.acquire(paths) else {
            throw Unexpected("somebody else holds it")
        }
        let copy = try systemCall("dup") { fcntl(lock.rawDescriptor, F_DUPFD_CLOEXEC, 3) }
        defer { close(copy) }
        lock.release()
        #expect(try RunLock.holder(paths) == .nobody)
        #expect(try isTaken(RunLock.acquire(paths)))
    }

    /// What a guard inherits, without the lock's object.
    private func takeAndDuplicate() throws -> Int32 {
        guard case .taken(let lock) = try RunLock.acquire(paths) else {
            throw Unexpected("somebody else holds it")
        }
        #expect(fcntl(lock.rawDescriptor, F_GETFD) == FD_CLOEXEC)
        return try systemCall("dup") { fcntl(lock.rawDescriptor, F_DUPFD_CLOEXEC, 3) }
    }

    @Test("asking who holds it makes nothing")
    func asking() throws {
        #expect(try RunLock.holder(paths) == .nobody)
        #expect(throws: SystemError.self) { try Disk().status(paths.lock) }
    }

    @Test("a directory that cannot be written says so")
    func notThere() throws {
        let name = try #require(RunName("run"))
        let error = #expect(throws: StoreError.self) {
            try RunLock.acquire(RunPaths(stateDirectory: "/proc/nowhere", name: name))
        }
        #expect(error?.description.contains("/proc/nowhere/.locks/run") == true)
        let state = #expect(throws: StoreError.self) {
            try StateDirectory("/proc/nowhere/at/all").prepare()
        }
        #expect(state?.systemError?.subject.hasPrefix("/proc/nowhere") == true)
    }
}
