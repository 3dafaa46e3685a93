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
    /// What commits shares its files out to the threads called bulk, which count with it.
    static let threads = ["staging", "commits", "records", "cleaning", "compress"]

    /// So long that it is worth being compressed.
    private static let long = String(repeating: "x", count: 20_000)

    let place: Place
    let program: Program
    let pid: Int32
    private var step: Int64 = 0

    /// - Parameter threads: those that a fault waits for.
    init(_ threads: String) throws {
        place = try Place()
        let compress = threads == "compress" ? ["--compress", "gzip"] : []
        program = try place.puppet(
            ["--keep-last", "2", "--checkpoint-every", "off", "--verbose"] + compress)
        pid = program.pid
        try program.hello(accepts: true)
        for _ in 1...3 { _ = try checkpoint() }
        if threads == "compress" {
            // What is being compressed is removed later.
            try waitBriefly { try !held(threads).isEmpty }
        } else {
            try waitForQuiet(kept: ["000002-step-2", "000003-step-3"])
        }
        _ = try place.directory.makeDirectory("own")
        try place.directory.write("own/a", Self.long)
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
    }

    private func held(_ threads: String) throws -> [Int32] {
        let names = threads == "commits" ? [threads, "bulk"] : [threads]
        let held = try names.flatMap { try place.threads($0, of: pid) }
        guard !held.isEmpty else { throw TestFailure("there is no thread called \(threads)") }
        return held
    }

    private func checkpoint(request: Int? = nil) throws -> SupervisorMessage {
        step += 1
        try program.send(.begin(.init(step: step, request: request)))
        let answer = try program.message().message
        guard case .began(let began) = answer else { return answer }
        for name in ["state", "more", "rest"] {
            let text = name == "state" ? "state of step \(step)" : Self.long
            try program.say("write \(began.path)/\(name) \(text)")
            try program.line(starting: "written \(began.path)/\(name)")
        }
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

    /// - Returns: what the operator is told.
    private func pin(_ command: String, _ answer: SupervisorMessage) throws -> SupervisorMessage? {
        guard case .committed(let committed) = answer else { return nil }
        let peer = try place.connect()
        try peer.send(
            line: "{\"type\":\"control\",\"command\":\"\(command)\",\"id\":\"\(committed.id)\"}")
        guard let line = try peer.readLine() else { throw TestFailure("no answer to \(command)") }
        return try JSONText.decode(Envelope<SupervisorMessage>.self, from: line.utf8).message
    }

    /// All that changes the disk, once.
    ///
    /// - Returns: what the job was told, or an operator who pins; and what one was who asked for the
    ///   last checkpoint.
    func act() throws -> (answers: [SupervisorMessage], operator: String) {
        let first = try checkpoint()
        let pinned = try pin("pin", first)
        let second = try add()
        let unpinned = try pin("unpin", first)
        var answers = [first, pinned, second, unpinned].compactMap { $0 }
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
        let scene = try FaultScene(threads)
        let strace = try Strace(scene.place, threads: try scene.held(threads), calls: calls)
        _ = try scene.act()
        if threads == "compress" {
            // It may hold what is to be removed, and this one is compressed in any case.
            let added = scene.place.file("checkpoints/000005-step-5")
            try waitBriefly { pathExists("\(added)/SHA256SUMS.compressed") }
            try waitBriefly { !pathExists("\(added)/data/a") }
        } else {
            try scene.waitForQuiet(kept: ["000005-step-5", "000006-step-6"])
        }
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
            place, threads: try held(point.threads), calls: [point.call], point: point)
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
