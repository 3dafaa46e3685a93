import SuperviseCore
import SuperviseFormats
import SuperviseHost
import SuperviseStore
import SuperviseSystem
import SuperviseText

extension CommandCall {
    /// Goes on with a run as it was first called: from any directory, with any environment.
    func resume() throws(Complaint) -> RunRequest {
        guard let name = operands.first else {
            throw Complaint("say which run: supervise resume NAME (supervise list --resumable)")
        }
        try refuseOperands(after: 1)
        let run = try runs.run(name, for: .resume)
        let record = try run.recordToRun()
        let glance = try run.glance(at: surroundings.now)
        // Where only the guard of one that is gone has it, the start waits for that.
        if glance.isRunning, try run.isHeldByLiving() { throw inUse(name, glance.status) }
        let from = try resumeFrom(run)
        // Whoever names a checkpoint wants to go on from it, even in a run that has completed.
        let namesOne = if case .checkpoint = from { true } else { false }
        if record.outcome?.kind == .completed, !namesOne {
            throw Complaint(
                "run \(name) has completed; to do it again from the beginning, with this one kept in "
                    + "the archive: \(again(run, record))")
        }
        var place = surroundings
        place.directory = .success(record.directory)
        let builder = RunArguments(surroundings: place)
        let given = try recordedOptions(of: run, record)
        // The state is where it was found, wherever it was when the run began.
        var request = try builder.request(
            given, command: record.command, stateDirectory: run.store.paths.stateDirectory)
        request.name = run.name.name
        request.options = record.options
        request.settings.resumeFrom = from
        request.beginning = try beginning(of: run, record)
        request.isResume = true
        request.placeOption = placeOption
        return request
    }

    private func inUse(_ name: String, _ status: Status) -> Complaint {
        guard status.phase == .paused else {
            return Complaint(
                "run \(name) is in use by pid \(status.supervisorPID)"
                    + "\(SupervisorDistance(to: status).phrase); nothing to resume")
        }
        let unpause = HumanText.commandLine(["supervise", "unpause", name] + placeOption)
        return Complaint("run \(name) is paused; to let it go on: \(unpause)")
    }

    private func again(_ run: FoundRun, _ record: RunRecord) -> String {
        RunAgain(
            record: record, stateDirectory: run.store.paths.stateDirectory,
            surroundings: surroundings
        ).line
    }

    /// What another command has to be given to find the same runs.
    var placeOption: [String] { surroundings.placeOption(given, runs.place) }

    /// The program and the variables that the run began with; nil where its version kept none.
    ///
    /// - Throws: ``Complaint`` where the program is gone: another one of its name is not this run's.
    private func beginning(
        of run: FoundRun, _ record: RunRecord
    ) throws(Complaint) -> RunRequest.Beginning? {
        guard let environment = record.environment else { return nil }
        if let program = record.program {
            do throws(SystemError) {
                _ = try Disk().resolved(program)
            } catch {
                // Any other error is the start's to report: it says nothing of the program.
                guard error.isMissing else {
                    return .init(program: program, environment: environment)
                }
                throw Complaint(
                    "\(HumanText.printable(program)), the program of run \(record.name), is gone; "
                        + "bring it back, or use the one that is found now: \(again(run, record))")
            }
        }
        return .init(program: record.program, environment: environment)
    }

    /// What the run was started with.
    ///
    /// - Throws: ``Complaint`` where a newer version of `supervise` has started it.
    func recordedOptions(
        of run: FoundRun, _ known: RunRecord? = nil
    ) throws(Complaint) -> [String: GivenOption] {
        let source = GivenOption.Source.file(run.store.paths.record, line: nil)
        var given: [String: GivenOption] = [:]
        let record = if let known { known } else { try run.knownRecord() }
        for (key, text) in record.options {
            let known = OptionTable.options(of: .run).first { $0.name == key && $0.isRecorded }
            guard let spec = known else {
                throw Complaint(
                    "run \(run.name) was started with --\(HumanText.printable(key)), which this "
                        + "version of supervise does not know; use the newer one")
            }
            given[key] = GivenOption(
                spec: spec, text: RecordedSize.withUnit(text, of: key), source: source)
        }
        return given
    }

    /// The checkpoint that is meant by an id or a number.
    private func resumeFrom(_ run: FoundRun) throws(Complaint) -> Settings.ResumeFrom {
        guard let text = values.from else { return .newest }
        if text == "none" { return .beginning }
        let reader = CheckpointReader(run: run, surroundings: surroundings)
        return .checkpoint(try reader.resolve(text, in: try reader.scan()))
    }
}
