import SuperviseFormats
import SuperviseHost
import SuperviseSystem
import SuperviseText

/// What a command that ends says on standard output, and its exit status.
struct Answer: Equatable, Sendable {
    var text: String
    /// What it says on standard error.
    var notes: [String] = []
    var status: Int32 = 0
}

/// What the command line asks for.
enum Intent: Sendable {
    /// Says something and ends.
    case answer(Answer)
    /// Becomes the supervisor of a run.
    case run(RunRequest)
    /// Prints what a job wrote, perhaps for as long as it does.
    case logs(LogReader)
    /// Prints what happened, which may be more than fits into memory.
    case events(EventsReader)
}

/// The whole of a call of `supervise`.
enum Program {
    static func main() -> Never {
        ensureStandardDescriptors()
        if let status = HeldSettlement.perform(commandLineArguments()) { exitProcess(status) }
        boundKeptMemory()
        EarlyEnd.prepare()
        let result: RunResult
        do {
            result = try perform(commandLineArguments(), here)
        } catch {
            if error == .noReader {
                result = .die(signal: brokenPipeSignal)
            } else {
                writeStandardError("supervise: \(error.message)\n")
                result = .exit(error.status)
            }
        }
        switch result {
        case .exit(let status): exitProcess(status)
        case .die(let signal):
            dieBySignal(signal)
            exitProcess(128 + signal)
        }
    }

    private static func perform(
        _ arguments: [String], _ surroundings: Surroundings
    ) throws(Complaint) -> RunResult {
        switch try intent(arguments, surroundings) {
        case .run(let request):
            return run(request)
        case .logs(let reader):
            try reader.print()
            return .exit(0)
        case .events(let reader):
            try reader.print()
            for note in reader.notes { writeStandardError("supervise: \(note)\n") }
            return .exit(0)
        case .answer(let answer):
            do {
                try writeStandardOutput(answer.text)
            } catch {
                throw Complaint(writing: error) ?? Complaint("cannot write the answer: \(error)")
            }
            for note in answer.notes { writeStandardError("supervise: \(note)\n") }
            return .exit(answer.status)
        }
    }

    /// Finds out what is asked for. What can be answered is answered at once.
    static func intent(
        _ arguments: [String], _ surroundings: Surroundings
    ) throws(Complaint) -> Intent {
        guard let first = arguments.first else {
            throw Complaint("no command: supervise -- python3 train.py (supervise --help)")
        }
        let width = min(max(surroundings.width ?? 80, 60), 100)
        switch first {
        case "--help", "-h": return .answer(Answer(text: Help.overview(width: width)))
        case "--version": return .answer(Answer(text: "supervise \(Help.version)\n"))
        case "help": return try help(arguments.dropFirst().first, width: width)
        default: break
        }
        let named = Command(rawValue: first)
        guard let command = named ?? (first.hasPrefix("-") ? .run : nil) else {
            throw UnknownWord(words: arguments, surroundings: surroundings).complaint
        }
        // Reading the options may wait already, as for a file of --config.
        if command == .run || command == .resume { tellOfEarlyEnd() }
        let own = named == nil ? arguments : Array(arguments.dropFirst())
        let read = try ArgumentReader(of: command, surroundings).read(own)
        if read.wantsHelp {
            return .answer(Answer(text: Help.text(for: command, width: width)))
        }
        if command == .run {
            let before = own.prefix { $0 != "--" }
            return .run(
                try RunArguments(surroundings: surroundings).request(read, written: Array(before)))
        }
        return try CommandCall(command, read, surroundings).perform()
    }

    private static func help(_ topic: String?, width: Int) throws(Complaint) -> Intent {
        guard let topic else { return .answer(Answer(text: Help.overview(width: width))) }
        guard let command = Command(rawValue: topic) else {
            let answer = ForeignVerbs.answer(to: topic).map { ": \($0)" } ?? " (supervise --help)"
            throw Complaint("there is no command \(HumanText.printable(topic))\(answer)")
        }
        return .answer(Answer(text: Help.text(for: command, width: width)))
    }

    private static var here: Surroundings {
        Surroundings(
            environment: Dictionary(environmentVariables()) { first, _ in first },
            directory: Result(catching: currentDirectory),
            width: isTerminal(1) ? terminalWidth() : nil,
            now: Timestamp(milliseconds: wallClockNow() / 1_000_000),
            secondsAheadOfUTC: { SuperviseSystem.secondsAheadOfUTC(at: $0.milliseconds / 1000) })
    }
}

/// Why nothing was done: one line for standard error, and the exit status.
struct Complaint: Error, Equatable {
    /// Lower case, without `supervise:` and without a full stop.
    let message: String
    let status: Int32

    /// `supervise` cannot do what it was asked to: bad options, or a state that it cannot use.
    static let unable: Int32 = 125
    /// The answer is no: there is no such run, a checkpoint is bad.
    static let no: Int32 = 1

    init(_ message: String, status: Int32 = Complaint.unable) {
        self.message = message
        self.status = status
    }
}

extension Complaint {
    /// Nobody reads what we write any more, as behind `head`: we end as other programs do, by SIGPIPE, and
    /// say nothing.
    static let noReader = Complaint("", status: 128 + brokenPipeSignal)

    /// - Parameter error: of a call that reads, or that writes to standard output.
    /// - Returns: nil where it is not that the reader has gone.
    init?(writing error: SystemError) {
        guard error.isBrokenPipe else { return nil }
        self = .noReader
    }
}
