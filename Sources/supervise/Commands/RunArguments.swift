import SuperviseCore
import SuperviseFormats
import SuperviseHost
import SuperviseSystem
import SuperviseText

/// Makes the request of `supervise run` from its arguments.
struct RunArguments {
    let surroundings: Surroundings

    private var sources: OptionSources { OptionSources(command: .run, surroundings: surroundings) }

    /// - Throws: ``Complaint`` about what is missing or wrong.
    func request(_ arguments: Arguments, written: [String]) throws(Complaint) -> RunRequest {
        let collected = try sources.collect(arguments)
        guard let command = arguments.rest ?? collected.command else {
            throw try noCommand(collected.options, written)
        }
        guard !command.isEmpty else {
            throw Complaint("no command after --, as in supervise -- python3 train.py")
        }
        var request = try request(collected.options, command: command)
        request.notes = collected.notes + [homelessNote(request)].compactMap(\.self)
        return request
    }

    /// What is kept in `/` goes with the container.
    private func homelessNote(_ request: RunRequest) -> String? {
        let standard = "/.local/state/supervise"
        guard !surroundings.hasOwnHome, request.stateDirectory == standard else { return nil }
        return "the state is kept in \(standard), as HOME is /; for a place that stays, such as a "
            + "volume: --state-dir DIR"
    }

    private func noCommand(
        _ given: [String: GivenOption], _ written: [String]
    ) throws(Complaint) -> Complaint {
        let line = HumanText.commandLine(["supervise"] + written)
        let hint = "put it after --, as in \(line) -- python3 train.py"
        guard let config = given["config"] else { return Complaint("no command: \(hint)") }
        let path = try surroundings.absolute(config.text)
        return Complaint(
            "no command: \(path) has no \"command\", such as [\"python3\", \"train.py\"]; or \(hint)"
        )
    }

    /// - Parameters:
    ///   - written: the winning value of each option that was given.
    ///   - stateDirectory: an absolute path; nil leaves it to the options and the environment.
    func request(
        _ written: [String: GivenOption], command: [String], stateDirectory: String? = nil
    ) throws(Complaint) -> RunRequest {
        let given = try locatingPrograms(written)
        let values = try sources.values(given)
        if values.fresh, case .checkpoint(let id) = values.settings.resumeFrom {
            throw Complaint("--fresh begins anew and --resume-from \(id) does not: leave out one")
        }
        let state = try StatePlace.choose(
            given: stateDirectory ?? values.stateDirectory, surroundings)
        let place = try surroundings.place(values.directory ?? "")
        var request = RunRequest(
            command: command, directory: place.directory,
            options: try recorded(given),
            stateDirectory: state.directory, settings: values.settings)
        request.otherDirectory = place.other
        request.placeOption = surroundings.placeOption(given, state)
        request.name = values.name
        request.checkpointDirectory = try values.checkpointDirectory.map(surroundings.absolute)
        request.fresh = values.fresh
        request.adopt = values.adopt
        request.whenCompleted = values.whenCompleted
        request.requiresState = values.requiresState
        request.resumeArguments = values.resumeArguments
        request.checkpointSignal = values.checkpointSignal
        request.settings.preempt = try values.preempt?.source(surroundings)
        request.onHangUser = values.onHangUser
        request.preemptSignal = try preemptSignal(values, given)
        request.preemptedExitCode = values.preemptedExitCode
        request.job = values.job
        request.keptVariables = values.keptVariables
        request.output = try output(values, given)
        request.capture = request.output == .keep ? values.captureMax : nil
        request.tty = values.tty
        request.passesSockets = values.passesSockets
        request.verbosity = try verbosity(values, given)
        request.logFormat = values.logFormat
        return request
    }

    /// Whoever gives its signal another meaning need not say that it has lost this one.
    private func preemptSignal(
        _ values: OptionValues, _ given: [String: GivenOption]
    ) throws(Complaint) -> Int32? {
        guard let signal = values.preemptSignal, signal == values.checkpointSignal else {
            return values.preemptSignal
        }
        if given["preempt-signal"] == nil { return nil }
        throw Complaint(
            "--checkpoint-signal and --preempt-signal are both \(signalName(signal)): change one")
    }

    /// Of `--capture` and an `--output` that keeps nothing, the one from the stronger source holds.
    private func output(
        _ values: OptionValues, _ given: [String: GivenOption]
    ) throws(Complaint) -> OutputPlan.Mode {
        var mode = values.output
        if values.capture, mode != .keep {
            if let output = given["output"]?.source, let capture = given["capture"]?.source {
                if output.rank == capture.rank {
                    throw Complaint(
                        "--capture keeps the job's output and --output \(mode.rawValue) does not: "
                            + "leave out one")
                }
                if output < capture { mode = .keep }
            } else {
                mode = .keep
            }
        }
        if mode == .inherit, values.tty {
            throw Complaint(
                "--tty gives the job's output a terminal of its own and --output inherit leaves it "
                    + "alone: leave out one")
        }
        return mode
    }

    private func recorded(
        _ given: [String: GivenOption]
    ) throws(Complaint) -> [String: String] {
        var texts: [String: String] = [:]
        for (name, option) in given where option.spec.isRecorded {
            texts[name] =
                option.spec.isPath ? try surroundings.absolute(option.text) : option.text
        }
        return texts
    }

    /// Where both were given, the one from the stronger source holds.
    private func verbosity(
        _ values: OptionValues, _ given: [String: GivenOption]
    ) throws(Complaint) -> RunRequest.Verbosity {
        guard values.quiet, values.verbose, let quiet = given["quiet"]?.source,
            let verbose = given["verbose"]?.source
        else { return values.quiet ? .quiet : values.verbose ? .verbose : .normal }
        if quiet.rank == verbose.rank {
            throw Complaint("--quiet and --verbose exclude each other: leave out one")
        }
        return quiet < verbose ? .verbose : .quiet
    }
}

/// Programs that options name.
extension RunArguments {
    /// The options with an absolute path for each program that was named by a relative one: it is the
    /// one that the caller means, wherever it runs later, and also at a resume.
    func locatingPrograms(
        _ given: [String: GivenOption]
    ) throws(Complaint) -> [String: GivenOption] {
        var located = given
        for (name, option) in given where option.spec.namesProgram {
            located[name]?.text = try locatingProgram(option.text)
        }
        return located
    }

    private func locatingProgram(_ text: String) throws(Complaint) -> String {
        let prefix = text.hasPrefix("exec:") ? "exec:" : ""
        guard let words = ShellWords(String(text.dropFirst(prefix.count))),
            let program = words.templates.first, program.contains("/"), !program.hasPrefix("/")
        else { return text }
        return prefix + words.withFirst(try surroundings.absolute(program))
    }
}
