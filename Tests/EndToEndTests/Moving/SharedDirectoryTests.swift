import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// A directory of `--checkpoint-dir`, which belongs to one state.
@Suite("A checkpoint directory and several states", .onStage)
struct SharedDirectoryTests {
    private let place: Place
    private let disk: String
    private let other: String

    init() throws {
        place = try Place()
        disk = try place.directory.makeDirectory("disk")
        other = "\(place.path)/other"
    }

    private var options: [String] { ["--checkpoint-dir", disk] }

    private func owner() throws -> PayloadOwner {
        try JSONText.decode(
            PayloadOwner.self, from: Disk().readFile("\(disk)/it/owner", limit: 1 << 20))
    }

    @Test(
        "another state is refused while the first is there, running or not, and then takes it over")
    func otherState() throws {
        let program = try place.puppet(options)
        try program.hello(accepts: false)
        let id = try program.checkpoint(step: 1).id
        #expect(try FileLock.holder("\(disk)/.locks/it") == .process(program.pid))
        let says = ["\(disk)/it belong to the state in \(place.state)/it", "--checkpoint-dir"]
        try place.expectRefusal(in: other, options, unchanged: [disk], says: says)
        try place.stop(program)
        for more in [[], ["--fresh"]] {
            try place.expectRefusal(in: other, options + more, unchanged: [disk], says: says)
        }
        #expect(try owner().stateDirectory == place.state)
        try place.shell("rm -r '\(place.state)/it'")
        let (next, welcome) = try place.puppet(in: other, options)
        #expect(welcome.resume?.id == id)
        try next.errorLine(with: "belonged to the state in \(place.state)/it, which is gone")
        try place.stop(next)
        #expect(try owner().stateDirectory == other)
    }

    @Test("a copy of a state neither starts with nor changes the original's checkpoints")
    func copiedState() throws {
        let ids = try place.stoppedRun(options, saving: [1, 2, 3])
        try place.shell("cp -a '\(place.state)' '\(other)'")
        let says = ["belong to the state in \(place.state)/it"]
        try place.expectRefusal(in: other, unchanged: [disk, other], says: says)
        let before = try place.fingerprint(of: disk)
        for arguments in [
            ["prune", "it", "--keep-last", "1"], ["checkpoints", "it", "delete", ids[0]],
            ["checkpoints", "it", "pin", ids[0]],
        ] {
            let program = try place.call(arguments + ["--state-dir", other])
            #expect(try program.waitForEnd() == .exited(1))
            #expect(program.text(.errors).contains(says[0]))
        }
        #expect(try place.fingerprint(of: disk) == before)
        let doctor = try place.call(["doctor", "it", "--state-dir", other])
        #expect(try doctor.waitForEnd() == .exited(1))
        #expect(doctor.text(.output).contains("problem  owner"))
        // Reading is free; and with checkpoints of its own it is a run of its own.
        try place.ask(["checkpoints", "it", "verify"], in: other)
        try place.shell("cp -a '\(disk)' '\(disk)-2'")
        let (copy, welcome) = try place.puppet(
            in: other, ["--checkpoint-dir", "\(disk)-2", "--keep-last", "1"])
        #expect(welcome.resume?.id.description == ids[2])
        try copy.errorLine(
            with: "\(disk)-2/it are a copy of those of the state in \(place.state)/it")
        try copy.checkpoint(step: 4)
        try place.stop(copy)
        #expect(try place.fingerprint(of: disk) == before)
        let original = try place.puppet()
        #expect(try original.hello(accepts: false).resume?.id.description == ids[2])
        try place.stop(original)
    }

    @Test("a state that was moved keeps its checkpoint directory", arguments: Transfer.allCases)
    func movedState(transfer: Transfer) throws {
        let shm = try OtherDisk()
        guard let there = try transfer.target(place, shm) else { return }
        let ids = try place.stoppedRun(options, saving: [1])
        try transfer.perform(place, place.state, to: there)
        if transfer.leavesOriginal { try place.shell("rm -r '\(place.state)'") }
        let (program, welcome) = try place.puppet(in: there)
        #expect(welcome.resume?.id.description == ids[0])
        #expect(welcome.resume?.path.hasPrefix("\(disk)/it/") == true)
        try program.checkpoint(step: 2)
        try place.stop(program)
        #expect(try owner().stateDirectory == there)
        #expect(
            program.text(.errors).contains("which is gone; they belong to this one")
                == !transfer.keepsDirectory)
    }

    @Test("checkpoints that were moved are found by naming their new directory once")
    func movedCheckpoints() throws {
        let ids = try place.stoppedRun(options, saving: [1])
        try place.shell("mv disk elsewhere")
        try place.expectRefusal(
            in: place.state, unchanged: [place.path], says: ["\(disk)/it/checkpoints is missing"])
        for options in [["--checkpoint-dir", "\(place.path)/elsewhere"], []] {
            let program = try place.puppet(options)
            #expect(try program.hello(accepts: false).resume?.id.description == ids[0])
            try place.stop(program)
        }
        let resumed = try place.call(["resume", "it", "--state-dir", place.state], hasInput: true)
        try resumed.nextAttempt(nil)
        try place.stop(resumed)
    }

    @Test("its lock is held by the supervisor, and by the guard until the job is gone")
    func guardHolds() throws {
        let program = try place.puppet(options)
        let text = try readSmallFile("/proc/\(program.pid)/task/\(program.pid)/children")
        let guards = try text.split(separator: " ").compactMap { Int32($0) }.filter {
            try readSmallFile("/proc/\($0)/cmdline").hasPrefix(place.binary)
        }
        let guardian = try ProcessHandle(opening: try #require(guards.first))
        try guardian.signal(19)
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        let lock = "\(disk)/.locks/it"
        #expect(try FileLock.holder(lock) == .process(program.pid))
        #expect(try FileLock.holder("\(place.state)/.locks/it") == .process(program.pid))
        try guardian.signal(18)
        let taken = try FileLock.takeWaiting(lock)
        #expect(try guardian.waitForEnd(atMost: patience))
        withExtendedLifetime(taken) {}
    }

    @Test("who lost the file that says whose it is still does not get in while it is in use")
    func lockAlone() throws {
        let program = try place.puppet(options)
        try Disk().removeFile("\(disk)/it/owner")
        try place.expectRefusal(
            in: other, options, unchanged: [disk],
            says: ["\(disk)/it are in use by pid \(program.pid)", "--checkpoint-dir"])
        try place.stop(program)
    }

    @Test("that of a state on another host is left alone, until somebody says that it is gone")
    func otherHost() throws {
        try place.stoppedRun(options, saving: [1])
        try place.shell("mv '\(place.state)' '\(other)'; cp -a '\(other)' '\(place.state)'")
        try place.shell(
            "rm -r '\(other)'; sed -i 's/\"host\":\"[^\"]*\"/\"host\":\"far\"/' disk/it/owner")
        try place.expectRefusal(
            in: place.state, unchanged: [disk, place.state],
            says: ["on far", "cannot be told from here", "remove \(disk)/it/owner"])
        try Disk().removeFile("\(disk)/it/owner")
        try place.stop(try place.puppet())
        // The same disk with the state itself, at another host: the directory says that it is ours.
        try place.shell("sed -i 's/\"host\":\"[^\"]*\"/\"host\":\"far\"/' disk/it/owner")
        try place.stop(try place.puppet())
        #expect(try owner().host == hostName())
    }

    @Test(
        "a file that says whose it is and is damaged is no leave to write",
        arguments: ["", "{", "[1]"])
    func damagedOwner(text: String) throws {
        try place.stoppedRun(options, saving: [1])
        try place.directory.write("disk/it/owner", text)
        try place.expectRefusal(
            in: place.state, unchanged: [disk, place.state], says: ["/disk/it/owner is damaged"])
        try place.directory.write("disk/it/owner", #"{"format":2}"#)
        try place.expectRefusal(in: place.state, unchanged: [disk], says: ["has format 2"])
    }

    @Test("another state's own directory is no checkpoint directory; ours is, by whatever name")
    func stateDirectories() throws {
        let ids = try place.stoppedRun(saving: [1])
        try place.expectRefusal(
            in: other, ["--checkpoint-dir", place.state], unchanged: [place.state],
            says: ["belong to the state in \(place.state)/it"])
        try place.shell("ln -s state link")
        for directory in [place.state, "\(place.path)/link"] {
            let program = try place.puppet(["--checkpoint-dir", directory])
            #expect(try program.hello(accepts: false).resume?.id.description == ids[0])
            try place.stop(program)
        }
        #expect(!pathExists(place.file("owner")))
    }

    @Test("--fresh archives what is in it, and the next run owns it")
    func fresh() throws {
        let ids = try place.stoppedRun(options, saving: [1])
        let program = try place.puppet(options + ["--fresh"])
        #expect(try program.hello(accepts: false).resume == nil)
        try program.checkpoint(step: 1)
        try place.stop(program)
        let label = try #require(try Disk().list("\(disk)/.archive").first?.name)
        #expect(try Disk().list("\(disk)/.archive/\(label)/checkpoints").map(\.name) == ids)
        let run = try Disk().status(place.file("").dropLast().description)
        #expect(try owner().inode == run.inode)
    }

    @Test("a directory that several users may write to has room for the locks of each")
    func severalUsers() throws {
        guard userId() == 0 else { return print("not tried: only root can be somebody else") }
        let line = """
            chmod 711 . && chmod 1777 disk && install -m 755 '\(place.binary)' . &&
            install -d -m 700 -o 65534 -g 65533 r2 s2
            """
        try place.shell(line)
        try place.stoppedRun(options, saving: [1])
        let program = try place.start(
            ["setpriv", "--reuid=65534", "--regid=65533", "--clear-groups", "./supervise"]
                + ["--state-dir", "\(place.path)/s2", "--name", "theirs", "--checkpoint-dir", disk]
                + ["--", "true"], environment: ["XDG_RUNTIME_DIR": "\(place.path)/r2"])
        #expect(try program.waitForEnd() == .exited(0), "\(program.text(.errors))")
    }
}
