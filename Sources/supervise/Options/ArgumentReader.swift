import SuperviseCore
import SuperviseFormats
import SuperviseHost
import SuperviseText

/// The arguments of a command, told apart but not yet understood.
struct Arguments: Sendable {
    /// The options in their order, each with its value; a flag without one has `true`.
    var options: [(spec: OptionSpec, text: String)] = []
    /// What is no option.
    var operands: [String] = []
    /// What stands behind `--`; nil where there is none.
    var rest: [String]?
    /// Help was asked for; nothing behind that was looked at.
    var wantsHelp = false
}

/// Tells the options of a command from its other arguments.
///
/// Options are written `--option value` or `--option=value`; a value that begins with `--` needs
/// the second form, so that a forgotten value does not swallow the next option.
struct ArgumentReader {
    let command: Command
    private let surroundings: Surroundings
    private let specs: [OptionSpec]

    init(of command: Command, _ surroundings: Surroundings) {
        self.command = command
        self.surroundings = surroundings
        specs = OptionTable.options(of: command)
    }

    /// - Throws: ``Complaint`` about the first argument that cannot be understood.
    func read(_ arguments: [String]) throws(Complaint) -> Arguments {
        var result = Arguments()
        var left = arguments[...]
        while let argument = left.popFirst() {
            if argument == "--" {
                result.rest = Array(left)
                break
            }
            if argument == "--help" || argument == "-h" {
                result.wantsHelp = true
                break
            }
            if argument.hasPrefix("-"), argument != "-" {
                result.options.append(try readOption(argument, &left))
                continue
            }
            if command == .run {
                let before = arguments.dropLast(left.count + 1)
                throw misplaced(before: Array(before), command: [argument] + left)
            }
            result.operands.append(argument)
        }
        return result
    }

    private func readOption(
        _ argument: String, _ left: inout ArraySlice<String>
    ) throws(Complaint) -> (spec: OptionSpec, text: String) {
        let equals = argument.utf8.firstIndex(of: UInt8(ascii: "="))
        let written = argument[..<(equals ?? argument.endIndex)]
        let name = written.hasPrefix("--") ? written.dropFirst(2) : ""
        guard let spec = specs.first(where: { $0.name == name }) else {
            throw unknownOption(String(written))
        }
        if let equals { return (spec, String(argument[argument.utf8.index(after: equals)...])) }
        if spec.isFlag { return (spec, "true") }
        guard let next = left.first, next != "--",
            spec.mayBeginWithDashes || !next.hasPrefix("--")
        else {
            throw Complaint("\(spec.dashed) needs a value: \(spec.usage) (\(command.helpCall))")
        }
        left.removeFirst()
        return (spec, next)
    }

    private func unknownOption(_ written: String) -> Complaint {
        let shown = HumanText.printable(written)
        let known = specs.map(\.name) + ["help"]
        let word = String(written.drop { $0 == "-" })
        guard let near = Suggestion.nearest(to: word, among: known) else {
            return Complaint("unknown option \(shown) (\(command.helpCall))")
        }
        return Complaint("unknown option \(shown); did you mean --\(near)? (\(command.helpCall))")
    }

    /// A command of ours whose options came first, or a program without `--` before it: its own
    /// options would be taken for ours.
    private func misplaced(before: [String], command: [String]) -> Complaint {
        if let first = command.first, let own = Command(rawValue: first), own != .run {
            return misplaced(before: before, own, Array(command.dropFirst()))
        }
        return UnknownWord(before: before, words: command, surroundings: surroundings).complaint
    }

    private func misplaced(before: [String], _ own: Command, _ after: [String]) -> Complaint {
        let line = HumanText.commandLine(["supervise", own.rawValue] + before + after)
        let start = "options of \(own.rawValue) come after it"
        // Only where it would be understood.
        let reader = ArgumentReader(of: own, surroundings)
        guard (try? reader.read(before + after)) != nil else {
            return Complaint("\(start), and some of these are not its own (\(own.helpCall))")
        }
        return Complaint("\(start): \(line) (\(own.helpCall))")
    }
}

/// The values of all options, with what holds where an option is not given.
struct OptionValues: Sendable {
    var settings = Settings()
    var name: RunName?
    var stateDirectory: String?
    var checkpointDirectory: String?
    var adopt = false
    /// Where the job runs; nil for where we were called.
    var directory: String?
    var job = JobSettings()
    var passesSockets = false
    /// Variables that are recorded beside the standard ones.
    var keptVariables: [String] = []
    var fresh = false
    var whenCompleted = RunRequest.WhenCompleted.again
    var requiresState = false
    var config: String?
    var resumeArguments: ResumeArguments?
    var checkpointSignal: Int32? = freeSignal("SIGUSR1")
    var onHangUser = RunRequest.OnHangUser.supervisor
    var preempt: PreemptKind?
    var preemptSignal: Int32? = freeSignal("SIGUSR2")
    var preemptedExitCode: Int32 = 75
    var output = OutputPlan.Mode.auto
    var capture = false
    var captureMax: Int64 = 64_000_000
    var tty = false
    var quiet = false
    var verbose = false
    var logFormat = RunRequest.LogFormat.text

    var follow = false
    var attempt: Int?
    var json = false
    var check: HealthCheck?
    var resumable = false
    var archived = false
    var readsAll = false
    var skipsCheckpoint = false
    var all = false
    var dryRun = false
    var mustBeMounted = false
    /// As it was written: an id, a number, or none.
    var from: String?

    var cost: Duration?
    var mtbf: Duration?
    var restart = Duration.seconds(60)
    var simulates = false
}
