import SuperviseFormats
import SuperviseHost
import SuperviseText

/// A call of a command other than `run`, understood.
struct CommandCall: Sendable {
    let command: Command
    /// What is no option.
    let operands: [String]
    let values: OptionValues
    /// What ``values`` were read from.
    let given: [String: GivenOption]
    /// Lines about variables of the environment that are probably slips.
    let notes: [String]
    let surroundings: Surroundings
    let runs: RunFinder

    init(
        _ command: Command, _ arguments: Arguments, _ surroundings: Surroundings
    ) throws(Complaint) {
        self.command = command
        self.surroundings = surroundings
        operands = arguments.operands + (arguments.rest ?? [])
        let sources = OptionSources(command: command, surroundings: surroundings)
        let collected = try sources.collect(arguments)
        given = collected.options
        notes = collected.notes
        values = try sources.values(given)
        let place = try StatePlace.choose(given: values.stateDirectory, surroundings)
        runs = RunFinder(place: place, now: surroundings.now, own: surroundings.ownRun(in: place))
    }

    /// Does what was asked for.
    func perform() throws(Complaint) -> Intent {
        switch try intent() {
        case .answer(var answer):
            answer.notes = notes + answer.notes
            return .answer(answer)
        case .run(var request):
            request.notes = notes
            return .run(request)
        case .logs(let reader): return .logs(reader)
        case .events(var reader):
            reader.notes = notes
            return .events(reader)
        }
    }

    private func intent() throws(Complaint) -> Intent {
        switch command {
        case .run: throw Complaint("no command: supervise -- python3 train.py")
        case .status: .answer(try status())
        case .list: .answer(try list())
        case .events: .events(try events())
        case .logs: .logs(try logs())
        case .checkpoints: .answer(try checkpoints())
        case .checkpoint: .answer(try checkpoint())
        case .prune: .answer(try prune())
        case .stop: .answer(try stop())
        case .restart: .answer(try restart())
        case .pause: .answer(try control("pause"))
        case .unpause: .answer(try control("unpause"))
        case .resume: .run(try resume())
        case .settle: .answer(try settle())
        case .doctor: .answer(try doctor())
        case .initialise: .answer(try initialise())
        case .plan: .answer(try plan())
        }
    }

    /// The run that is the command's only operand, or that is meant without one.
    func meantRun() throws(Complaint) -> FoundRun {
        try refuseOperands(after: 1)
        return try runs.run(operands.first, for: command)
    }

    /// - Throws: ``Complaint`` where there are more operands than the command takes.
    func refuseOperands(after count: Int) throws(Complaint) {
        guard let extra = operands.dropFirst(count).first else { return }
        throw unexpected(extra)
    }

    func unexpected(_ operand: String) -> Complaint {
        Complaint("unexpected argument \"\(HumanText.printable(operand))\" (\(command.helpCall))")
    }

    /// Many values as a line of JSON, some at a time, as the encoder takes ten times their room.
    func json(
        list values: some RandomAccessCollection<some Encodable>
    ) throws(Complaint) -> Answer {
        var text = "["
        var rest = values[...]
        while !rest.isEmpty {
            let some = try json(Array(rest.prefix(1000))).text.utf8
            rest = rest.dropFirst(1000)
            text += String(Substring(some.dropFirst().dropLast(2)))
            if !rest.isEmpty { text += "," }
        }
        return Answer(text: text + "]\n")
    }

    /// A value as a line of JSON.
    func json(_ value: some Encodable) throws(Complaint) -> Answer {
        do {
            return Answer(text: String(decoding: try JSONText.encode(value), as: UTF8.self) + "\n")
        } catch {
            throw Complaint("cannot write this as JSON: \(error)")
        }
    }
}
