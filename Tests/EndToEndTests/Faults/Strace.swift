import Glibc
import SuperviseSystem
import TestSupport
import Testing

/// A system call of some threads at which something is to happen.
struct FaultPoint: Equatable, CustomStringConvertible {
    /// The threads' name, which says what they do.
    var threads: String
    /// The call's name.
    var call: String
    /// Which of them, from 1 on, in each of the threads.
    var number: Int
    /// What strace is to do there, such as `signal=SIGKILL` or `error=EIO`.
    var effect: String

    var description: String { "\(threads): \(effect) at \(call) number \(number)" }
}

/// strace, at threads that are there already.
struct Strace {
    private let program: Program
    private let log: String

    /// Returns once it holds the threads.
    ///
    /// - Parameters:
    ///   - calls: the names of the calls that are looked at.
    ///   - point: what to do where; nil only looks.
    init(_ place: Place, threads: [Int32], calls: [String], point: FaultPoint? = nil) throws {
        log = "\(place.path)/strace-\(try randomHex(bytes: 4))"
        // A question mark: not every machine has each of them.
        let names = calls.map { "?\($0)" }.joined(separator: ",")
        var command = ["strace", "-y", "-o", log, "-e", "trace=\(names)", "-e", "signal=none"]
        if let point {
            command += ["-e", "inject=\(point.call):\(point.effect):when=\(point.number)"]
        }
        program = try place.start(command + threads.flatMap { ["-p", "\($0)"] })
        for _ in threads { try program.errorLine(with: " attached") }
    }

    /// Lets go of the threads.
    ///
    /// - Returns: the calls that were seen, by name, in the thread with the most of them; and
    ///   whether anything was done at all.
    func finish() throws -> (calls: [String: [String]], isDone: Bool) {
        // It may have ended with what it looked at.
        try? program.signal(SIGTERM)
        _ = try program.waitForEnd()
        let text = try readSmallFile(log)
        var calls: [String: [String: [String]]] = [:]
        for line in text.split(separator: "\n") {
            // Short numbers of threads are padded.
            let thread = line.prefix { $0.isNumber }
            let rest = line.dropFirst(thread.count).drop { $0 == " " }
            guard let end = rest.firstIndex(of: "("), rest.first?.isLetter == true else { continue }
            calls[String(rest[..<end]), default: [:]][String(thread), default: []]
                .append(String(rest))
        }
        let most = calls.mapValues { $0.values.max { $0.count < $1.count } ?? [] }
        return (most, text.contains("(INJECTED)") || text.contains("killed by SIGKILL"))
    }

    /// Whether it came to a call by which threads wake each other: that cannot fail but here.
    var hasHitWakeUp: Bool {
        let lines = (try? readSmallFile(log))?.split(separator: "\n") ?? []
        return lines.contains { $0.contains("anon_inode:") && $0.contains("(INJECTED)") }
    }

    /// Whether it is here and may look at processes that are not its children.
    static let isUsable: Bool = {
        let scope = (try? readSmallFile("/proc/sys/kernel/yama/ptrace_scope")) ?? "0"
        let isThere = ["/usr/bin/strace", "/bin/strace", "/usr/local/bin/strace"]
            .contains(where: pathExists)
        return isThere && (userId() == 0 || scope.hasPrefix("0"))
    }()
}

extension Place {
    /// Whether a checkpoint is whole, compressed or not.
    func isGood(_ id: String) throws -> Bool {
        let call = try call(["checkpoints", "it", "verify", id, "--state-dir", state])
        return try call.waitForEnd() == .exited(0)
    }

    /// Stops a puppet's run that may end by itself, or be killed, at any moment.
    func tryToStop(_ program: Program) {
        let stop = #"{"type":"control","command":"stop","checkpoint":false}"#
        // The status that tells of the socket may not be there yet.
        try? waitBriefly {
            try connect().send(line: stop)
            return true
        }
        // An end that nobody had asked for would complete the run.
        if (try? program.line(starting: "signal SIGTERM")) != nil { try? program.say("exit 0") }
    }

    /// The threads of a process that have a name.
    func threads(_ name: String, of process: Int32) throws -> [Int32] {
        try Disk().list("/proc/\(process)/task").compactMap { entry in
            let path = "/proc/\(process)/task/\(entry.name)/comm"
            guard let text = try? readSmallFile(path) else { return nil }
            return text == "\(name)\n" ? Int32(entry.name) : nil
        }
    }
}

/// Which of all points are tried: a few of a printed seed, or all with `FAULTS=all` in the
/// environment.
struct FaultSample {
    static let isWhole = environmentVariable("FAULTS") == "all"
    static let seed =
        environmentVariable("FAULTS_SEED").flatMap { UInt64($0) }
        ?? UInt64(bitPattern: Int64(MonotonicTime.now().nanoseconds))

    /// How to see the same again.
    static let replay = "FAULTS_SEED=\(seed)"

    /// How many faults come at random: `standard`, or as many as `FAULTS=1000` says.
    static func count(standard: Int) -> Int {
        let text = environmentVariable("FAULTS") ?? ""
        return Int(text) ?? (isWhole ? 1000 : standard)
    }

    /// - Parameter most: how many are tried where all are to be.
    static func choose<Element>(
        _ count: Int, of all: [Element], atMost most: Int = .max
    ) -> [Element] {
        if isWhole, all.count <= most { return all }
        var numbers = SeededNumbers(seed: seed)
        return Array(all.shuffled(using: &numbers).prefix(isWhole ? most : count))
    }
}
