/// What processes and their threads are found to be doing.
package struct ProcessFindings: Equatable, Sendable {
    package struct Process: Equatable, Sendable {
        package var pid: Int32
        package var parent: Int32
        /// The kernel's short name for it.
        package var name: String
        /// Its words separated by spaces; nil where they have not been read.
        package var command: String?
        package var threads: [Thread] = []

        package init(pid: Int32, parent: Int32, name: String, command: String? = nil) {
            self.pid = pid
            self.parent = parent
            self.name = name
            self.command = command
        }
    }

    package struct Thread: Equatable, Sendable {
        package var number: Int32
        package var name: String
        /// The letter of /proc.
        package var state: Character
        /// In hundredths of a second.
        package var processorTime: UInt64
        /// Where in the kernel it waits; empty where it does not.
        package var waitChannel: String
        /// A call a line; nil where we may not read it.
        package var stack: String?

        package init(
            number: Int32, name: String, state: Character, processorTime: UInt64,
            waitChannel: String, stack: String?
        ) {
            self.number = number
            self.name = name
            self.state = state
            self.processorTime = processorTime
            self.waitChannel = waitChannel
            self.stack = stack
        }
    }

    package var processes: [Process] = []
    /// More were there than are looked at.
    package var leftOut = 0
    /// All of them were looked at.
    package var isComplete = false
    /// Why nobody can tell which processes there are; nil if that is known.
    package var obstacle: SystemError?

    package init() {}

    package var threadCount: Int { processes.reduce(0) { $0 + $1.threads.count } }
}

extension ProcessFindings {
    /// For people: a paragraph for each process, a line for each thread, and the kernel's stacks,
    /// each once.
    package var text: String {
        if let obstacle {
            return "(nobody can tell which processes the job has: \(obstacle))\n"
        }
        var text = ""
        var known: [String: Int32] = [:]
        for process in processes {
            let command = process.command.map { $0.isEmpty ? "(\(process.name))" : $0 }
            text += "process \(process.pid), parent \(process.parent): "
            text += "\(command ?? "(\(process.name)), its command line cannot be read now")\n"
            for thread in process.threads { text += Self.lines(for: thread, &known) }
        }
        if threadCount > 0, !processes.contains(where: { $0.threads.contains { $0.stack != nil } })
        {
            text += "(kernel stacks can be read by root only)\n"
        }
        if leftOut > 0 { text += "… and \(leftOut) more threads\n" }
        if !isComplete { text += "(the look at them did not come to its end in time)\n" }
        return text
    }

    private static func lines(for thread: Thread, _ known: inout [String: Int32]) -> String {
        let seconds = thread.processorTime / 100
        let rest = thread.processorTime % 100
        var line = "  thread \(thread.number) \(thread.name): \(thread.state), "
        line += "\(meaning(of: thread.state)), cpu \(seconds).\(rest < 10 ? "0" : "")\(rest) s"
        if !thread.waitChannel.isEmpty { line += ", in \(thread.waitChannel)" }
        line += "\n"
        guard let stack = thread.stack, !stack.isEmpty else { return line }
        if let same = known[stack] { return line + "      the stack of thread \(same)\n" }
        known[stack] = thread.number
        for call in stack.split(separator: "\n") { line += "      \(call)\n" }
        return line
    }

    private static func meaning(of state: Character) -> String {
        switch state {
        case "R": "running"
        case "S": "sleeping"
        case "D": "waiting for a disk or a driver, where no signal reaches it"
        case "T": "stopped by a signal"
        case "t": "stopped by a debugger"
        case "Z", "X": "ended"
        case "I": "idle"
        default: "in a state of its own"
        }
    }
}
