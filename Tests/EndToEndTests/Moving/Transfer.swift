import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// A way in which a state gets to another place.
enum Transfer: String, CaseIterable {
    case move, moveToOtherDisk, copy, copyToOtherDisk, copyAsNew, rsync

    /// The original stays where it is.
    var leavesOriginal: Bool { self != .move && self != .moveToOtherDisk }
    /// It is the same directory still.
    var keepsDirectory: Bool { self == .move }
    private var isOtherDisk: Bool {
        self == .moveToOtherDisk || self == .copyToOtherDisk || self == .rsync
    }

    private var command: String {
        switch self {
        case .move, .moveToOtherDisk: "mv"
        case .copy, .copyToOtherDisk: "cp -a"
        case .copyAsNew: "cp -r"
        case .rsync: "rsync -a"
        }
    }

    /// - Returns: nil where it cannot be tried here, which is printed then.
    func target(_ place: Place, _ disk: OtherDisk) throws -> String? {
        if self == .rsync, pathOfProgram("rsync") == nil {
            print("not tried: there is no rsync")
            return nil
        }
        guard isOtherDisk else { return "\(place.path)/there" }
        guard disk.isOther(than: place.path) else {
            print("not tried: /dev/shm is no other file system")
            return nil
        }
        return "\(disk.path)/there"
    }

    func perform(_ place: Place, _ from: String, to target: String) throws {
        let source = self == .rsync ? "\(from)/" : from
        // Of a run that is at work, a temporary file may be gone before it is copied.
        try place.shell("\(command) '\(source)' '\(target)' || test -s '\(target)/it/run.json'")
    }
}

/// A directory of a test's own on another file system than /tmp, where the machine has one.
final class OtherDisk {
    let path: String

    init() throws {
        path = try makeTemporaryDirectory("/dev/shm/sv-")
    }

    deinit { try? Disk().removeTree(path) }

    func isOther(than other: String) -> Bool {
        (try? Disk().status(path).device != Disk().status(other).device) ?? false
    }
}

extension Place {
    /// Runs a line of shell here that must succeed.
    ///
    /// - Returns: what it writes.
    @discardableResult
    func shell(_ line: String) throws -> [String] {
        let program = try start(["sh", "-c", line])
        #expect(try program.waitForEnd() == .exited(0), "\(line): \(program.text(.errors))")
        return program.lines(.output)
    }

    /// A call of `supervise` on another state directory.
    func call(
        in state: String, _ options: [String] = [], _ command: [String]? = nil,
        hasInput: Bool = true
    ) throws -> Program {
        try call(
            ["--state-dir", state, "--name", "it", "--backoff", "0ms..0ms"] + options + ["--"]
                + (command ?? [fixture, "puppet"]), hasInput: hasInput)
    }

    /// A puppet's run in another state directory, once it has said hello.
    func puppet(
        in state: String, _ options: [String] = []
    ) throws -> (program: Program, welcome: SupervisorMessage.Welcome) {
        let program = try call(in: state, options)
        try program.nextAttempt(nil)
        return (program, try program.hello(accepts: false))
    }

    /// What a command of `supervise` writes that must succeed.
    @discardableResult
    func ask(_ arguments: [String], in state: String) throws -> String {
        let program = try call(arguments + ["--state-dir", state])
        #expect(try program.waitForEnd() == .exited(0), "\(program.text(.errors))")
        return program.text(.output)
    }

    func record(in state: String) throws -> RunRecord {
        try JSONText.decode(
            RunRecord.self, from: Disk().readFile("\(state)/it/run.json", limit: 1 << 20))
    }

    /// Expects that a start is refused by one line, and changes nothing in some directories.
    func expectRefusal(
        in state: String, _ options: [String] = [], unchanged: [String],
        command: [String]? = nil, says parts: [String]
    ) throws {
        let before = try unchanged.map { try fingerprint(of: $0) }
        let program = try call(in: state, options, command)
        #expect(try program.waitForEnd() == .exited(125), "\(program.text(.errors))")
        #expect(program.lines(.errors).count == 1)
        for part in parts {
            #expect(program.text(.errors).contains(part), "\(part): \(program.text(.errors))")
        }
        #expect(program.text(.output).isEmpty)
        #expect(try unchanged.map { try fingerprint(of: $0) } == before)
    }

    /// Kills a supervisor and its guard so that a process of the job outlives both.
    func orphan(_ program: Program) throws -> ProcessHandle {
        try program.say(
            "run (setsid sh -c 'trap \"\" TERM HUP; echo daemon $$; exec sleep 1000' &)")
        let pid = try #require(Int32(try program.line(starting: "daemon ").dropFirst(7)))
        let daemon = try ProcessHandle(opening: pid)
        try killWithGuard(program)
        #expect(try !daemon.waitForEnd(atMost: .milliseconds(50)))
        return daemon
    }
    func killWithGuard(_ program: Program) throws {
        // Stopped, it cannot start another guard.
        try program.signal(19)
        let text = try readSmallFile("/proc/\(program.pid)/task/\(program.pid)/children")
        for child in text.split(separator: " ").compactMap({ Int32($0) })
        where try readSmallFile("/proc/\(child)/cmdline").hasPrefix(binary) {
            try ProcessHandle(opening: child).signal(9)
        }
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
    }
}
