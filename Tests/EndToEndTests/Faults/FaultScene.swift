import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// A supervisor that is made to do all that changes the disk while a fault waits for it.
///
/// When the fault is laid it has already committed, removed and recorded once, so that each of its
/// threads is there and what is counted begins with ``act()``.
final class FaultScene {
    /// What changes something on the disk.
    static let changes = [
        "mkdir", "mkdirat", "write", "pwrite64", "fsync", "fdatasync", "rename", "renameat",
        "renameat2", "unlink", "unlinkat", "rmdir", "ftruncate", "copy_file_range", "symlink",
        "symlinkat", "link", "linkat", "fchmod", "fchmodat", "ioctl",
    ]
    /// Each also where it only looks.
    static let calls =
        changes + [
            "open", "openat", "read", "pread64", "getdents64", "lstat", "newfstatat", "flock",
        ]
    static let threads = ["bulk", "records", "cleaning"]

    let place: Place
    let program: Program
    let pid: Int32
    private var step: Int64 = 0

    init() throws {
        place = try Place()
        program = try place.puppet(["--keep-last", "2", "--checkpoint-every", "off", "--verbose"])
        pid = program.pid
        try program.hello(accepts: true)
        for _ in 1...3 { _ = try checkpoint() }
        try waitForQuiet(kept: ["000002-step-2", "000003-step-3"])
        _ = try place.directory.makeDirectory("own")
        try place.directory.write("own/a", "added")
        _ = try place.directory.makeDirectory("own/b")
        try place.directory.write("own/b/c", "added too")
    }

    /// Until what follows a commit has been done too.
    private func waitForQuiet(kept: [String]) throws {
        try waitForChange(in: place.file("")) {
            let newest = try place.status().checkpoint?.id.description
            return newest == kept.last && place.checkpoints == kept
                && place.names(in: "trash").isEmpty
        }
        let bulk = try place.threads("bulk", of: pid)
        #expect(!bulk.isEmpty)
    }

    private func checkpoint(request: Int? = nil) throws -> SupervisorMessage {
        step += 1
        try program.send(.begin(.init(step: step, request: request)))
        let answer = try program.message().message
        guard case .began(let began) = answer else { return answer }
        try program.say("write \(began.path)/state state of step \(step)")
        try program.line(starting: "written \(began.path)/state")
        try program.send(.commit(.init(id: began.id, request: request)))
        return try program.message().message
    }

    private func add() throws -> SupervisorMessage {
        step += 1
        try program.send(.add(.init(path: "\(place.path)/own", step: step)))
        return try program.message().message
    }

    /// A checkpoint that an operator has asked for.
    ///
    /// - Returns: what the operator is told.
    private func requested() throws -> (answers: [SupervisorMessage], operator: String) {
        let peer = try place.connect()
        try peer.send(line: #"{"type":"control","command":"checkpoint"}"#)
        let request = try program.request()
        let answer = try checkpoint(request: request.request)
        return ([answer], try peer.readLine() ?? "")
    }

    /// All that changes the disk, once.
    ///
    /// - Returns: what the job was told, and what an operator was.
    func act() throws -> (answers: [SupervisorMessage], operator: String) {
        var answers = [try checkpoint(), try add()]
        let requested = try requested()
        answers += requested.answers
        return (answers, requested.operator)
    }

    /// Every checkpoint that the job was told is safe, so far.
    var committed: [CheckpointID] {
        program.lines(.output).compactMap { line in
            guard line.hasPrefix("1< "),
                let envelope = try? JSONText.decode(
                    Envelope<SupervisorMessage>.self, from: line.dropFirst(3).utf8),
                case .committed(let committed) = envelope.message
            else { return nil }
            return committed.id
        }
    }

    /// The points at which some threads do something, each with an effect.
    ///
    /// - Parameter effects: those for a call, which it gets as strace writes it.
    static func points(
        _ threads: String, calls: [String], effects: (String) -> [String]
    ) throws -> [FaultPoint] {
        let scene = try FaultScene()
        let held = try scene.place.threads(threads, of: scene.pid)
        let strace = try Strace(scene.place, threads: held, calls: calls)
        _ = try scene.act()
        try scene.waitForQuiet(kept: ["000005-step-5", "000006-step-6"])
        let seen = try strace.finish().calls
        try scene.place.stopByControl(scene.program)
        return seen.sorted { $0.key < $1.key }.flatMap { call, lines in
            lines.enumerated().flatMap { index, line in
                effects(line).map {
                    FaultPoint(threads: threads, call: call, number: index + 1, effect: $0)
                }
            }
        }
    }

    func lay(_ point: FaultPoint) throws -> Strace {
        try Strace(
            place, threads: try place.threads(point.threads, of: pid), calls: [point.call],
            point: point)
    }

    /// What a call can fail with.
    ///
    /// - Parameter line: the call as strace writes it, such as `write(5</a/b>, …`.
    static func errors(_ line: String) -> [String] {
        // Threads wake each other through these, which do not fail.
        if line.contains("anon_inode:") { return [] }
        return switch line.prefix(while: { $0 != "(" }) {
        case "open", "openat": ["EMFILE", "EACCES", "EROFS", "ENOSPC", "EIO"]
        case "write", "pwrite64", "fsync", "fdatasync", "copy_file_range", "ftruncate":
            ["ENOSPC", "EIO"]
        case "mkdir", "mkdirat", "symlink", "symlinkat", "rename", "renameat", "renameat2":
            ["ENOSPC", "EROFS", "EACCES", "EIO"]
        case "unlink", "unlinkat", "rmdir", "link", "linkat", "fchmod", "fchmodat":
            ["EROFS", "EACCES", "EIO"]
        case "flock": ["ENOLCK"]
        default: ["EIO"]
        }
    }
}
