import CLinux
import Glibc
import Synchronization

/// Looks, through /proc, at what all our descendants are doing.
///
/// What the kernel answers without a lock is read first: the command line of a process that hangs
/// in the middle of a change of its memory may be waited for without end.
package final class ProcessExamination: Sendable {
    /// So many threads are looked at: what is written down stays within about 1 MB.
    private static let mostThreads = 2000
    private static let longestCommand = 4096

    private let findings_ = Mutex(ProcessFindings())

    package init() {}

    /// What has been found so far; from any thread.
    package var findings: ProcessFindings { findings_.withLock { $0 } }

    /// For a worker thread, once. May take for ever.
    ///
    /// - Parameter tree: whose processes are meant.
    package func run(_ tree: JobTree) {
        let members: [Int32]
        do throws(SystemError) {
            members = try tree.members()
        } catch {
            return findings_.withLock { $0.obstacle = error }
        }
        for (pid, status) in Self.processes(Set(members)) {
            var process = ProcessFindings.Process(
                pid: pid, parent: status.parent, name: status.name)
            var leftOut = 0
            for thread in Self.numbers(in: "/proc/\(pid)/task") {
                if findings.threadCount + process.threads.count >= Self.mostThreads {
                    leftOut += 1
                } else if let found = Self.thread(thread, of: pid) {
                    process.threads.append(found)
                }
            }
            findings_.withLock {
                $0.processes.append(process)
                $0.leftOut += leftOut
            }
        }
        for index in 0..<findings.processes.count {
            let command = Self.command(of: findings.processes[index].pid)
            findings_.withLock { $0.processes[index].command = command }
        }
        findings_.withLock { $0.isComplete = true }
    }

    /// Parents before their children; also those that have ended and were not reaped by their parent.
    private static func processes(_ members: Set<Int32>) -> [(Int32, ProcessStatus)] {
        var children: [Int32: [(Int32, ProcessStatus)]] = [:]
        var found: [(Int32, ProcessStatus)] = []
        for pid in numbers(in: "/proc") {
            guard let status = ProcessStatus(path: "/proc/\(pid)/stat"),
                members.contains(pid) || status.state == "Z" && members.contains(status.parent)
            else { continue }
            if members.contains(status.parent) {
                children[status.parent, default: []].append((pid, status))
            } else {
                found.append((pid, status))
            }
        }
        var next = 0
        while next < found.count {
            found += children.removeValue(forKey: found[next].0) ?? []
            next += 1
        }
        return found
    }

    private static func thread(_ thread: Int32, of pid: Int32) -> ProcessFindings.Thread? {
        let directory = "/proc/\(pid)/task/\(thread)"
        guard let status = ProcessStatus(path: "\(directory)/stat") else { return nil }
        let channel = (try? readSmallFile("\(directory)/wchan")) ?? ""
        let stack = try? readSmallFile("\(directory)/stack")
        return .init(
            number: thread, name: status.name, state: status.state,
            processorTime: status.processorTime, waitChannel: channel == "0" ? "" : channel,
            stack: stack)
    }

    private static func command(of pid: Int32) -> String? {
        guard let words = try? readSmallFile("/proc/\(pid)/cmdline") else { return nil }
        let line = words.split(separator: "\0").joined(separator: " ").unicodeScalars
        var text = String.UnicodeScalarView()
        for scalar in line.prefix(longestCommand) {
            text.append(scalar.properties.generalCategory == .control ? "?" : scalar)
        }
        return String(text) + (line.count > longestCommand ? "…" : "")
    }

    private static func numbers(in directory: String) -> [Int32] {
        var numbers: [Int32] = []
        try? forEachName(inDirectory: directory) { name in
            let digits = name.dropLast().map { UInt8(bitPattern: $0) }
            if let number = Int32(String(decoding: digits, as: UTF8.self)) {
                numbers.append(number)
            }
        }
        return numbers.sorted()
    }
}

/// What the file `stat` of a process or of a thread says; numbers and names, and no lock is needed.
struct ProcessStatus {
    let name: String
    let state: Character
    let parent: Int32
    /// In hundredths of a second.
    let processorTime: UInt64
    /// When it was started: hundredths of a second since the boot.
    let started: UInt64

    /// nil if it is gone or cannot be read.
    init?(path: String) {
        guard let text = try? readSmallFile(path) else { return nil }
        self.init(text)
    }

    /// What a look at one process gives.
    enum Look {
        case found(ProcessStatus)
        case gone
        /// /proc cannot be read now.
        case unknown(SystemError)
    }

    static func look(at pid: Int32) -> Look {
        let path = "/proc/\(pid)/stat"
        do throws(SystemError) {
            let text = try readSmallFile(path)
            if let status = ProcessStatus(text) { return .found(status) }
            return .unknown(SystemError(call: "read", code: EIO, subject: path))
        } catch {
            guard error.code == ESRCH || error.code == ENOENT && ProcessTree.isVisible else {
                return .unknown(error)
            }
            return .gone
        }
    }

    private init?(_ text: String) {
        guard
            // The name may have anything in it, also brackets and line ends.
            let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"), open < close
        else { return nil }
        let fields = text[text.index(after: close)...].split(separator: " ")
        guard fields.count > 19, let state = fields[0].first, let parent = Int32(fields[1]),
            let user = UInt64(fields[11]), let system = UInt64(fields[12]),
            let started = UInt64(fields[19])
        else { return nil }
        var name = String.UnicodeScalarView()
        for scalar in text[text.index(after: open)..<close].unicodeScalars {
            name.append(scalar.properties.generalCategory == .control ? "?" : scalar)
        }
        self.name = String(name)
        self.state = state
        self.parent = parent
        processorTime = user + system
        self.started = started
    }
}

/// A process that was born with the token of a run, or descends from one, or is in its control group.
package struct TokenBearer: Hashable, Sendable {
    package let pid: Int32
    /// The `SUPERVISE_SOCKET` that it was born with; nil where there is none, or we may not read it.
    package let socket: String?
}

extension ProcessTree {
    /// Finds the processes of a run, whatever directory they were started from, and signals nobody.
    ///
    /// - Parameter runToken: the run's half of the token.
    /// - Returns: in order of their numbers, without us and our ancestors; nil where /proc does not show
    ///   processes.
    package static func bearers(ofRunToken runToken: String) -> [TokenBearer]? {
        precondition(!runToken.isEmpty, "an empty token would mean everybody")
        let collector = FoundNumbers()
        let count = withExtendedLifetime(collector) {
            runToken.withCString { token in
                var tree = cl_tree()
                tree.token = token
                let context = Unmanaged.passUnretained(collector).toOpaque()
                return cl_tree_find(&tree, "supervise-\(runToken)", FoundNumbers.note, context)
            }
        }
        guard count >= 0 else { return nil }
        return collector.all.map { TokenBearer(pid: $0, socket: socket(of: $0)) }
    }

    private static func socket(of pid: Int32) -> String? {
        let variable = "SUPERVISE_SOCKET="
        let text = (try? readSmallFile("/proc/\(pid)/environ")) ?? ""
        let entry = text.split(separator: "\0").first { $0.hasPrefix(variable) }
        return entry.map { String($0.dropFirst(variable.count)) }
    }
}

/// A process of a number, as far as everybody may know it.
package struct RunningProcess: Equatable, Sendable {
    /// The kernel's short name for it.
    package let name: String
    /// When it was started, in milliseconds since 1970 by the clock as it goes now.
    package let started: Int64
    /// We may read what it was born with.
    package let isOpenToUs: Bool

    /// nil where there is none, or it has ended.
    package init?(pid: Int32) {
        let directory = "/proc/\(pid)"
        guard ProcessTree.isVisible, let status = ProcessStatus(path: "\(directory)/stat"),
            status.state != "Z", status.state != "X"
        else { return nil }
        name = status.name
        var now = timespec()
        clock_gettime(CLOCK_BOOTTIME, &now)
        let age = Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
        started = wallClockNow() / 1_000_000 - age + Int64(clamping: status.started) * 10
        isOpenToUs = (try? readSmallFile("\(directory)/environ")) != nil
    }
}
