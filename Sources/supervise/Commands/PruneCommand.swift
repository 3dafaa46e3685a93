import SuperviseCore
import SuperviseFormats
import SuperviseHost
import SuperviseStore

/// `supervise prune [NAME|--all] [--dry-run]`, and rules that hold this once.
extension CommandCall {
    func prune() throws(Complaint) -> Answer {
        guard values.all else {
            let pruning = try prune(try meantRun())
            return values.json ? try json(pruning.object) : answer(pruning.text, pruning.notes)
        }
        try refuseOperands(after: 0)
        var done: [PruneView] = []
        var notes: [String] = []
        // Where one cannot be pruned, the others are.
        let found = try runs.all()
        for run in found.open {
            do throws(Complaint) {
                done.append(try prune(run))
            } catch {
                notes.append(error.message)
            }
        }
        let failed =
            !notes.isEmpty || found.closed.contains { $0.directory == runs.place.directory }
        notes = done.flatMap(\.notes) + notes
        notes += found.closed.map { $0.sentence(for: "prune --all") }
        let text = done.map { "\($0.run.name)\n\($0.text)" }.joined(separator: "\n")
        var answer = values.json ? try json(done.map(\.object)) : Answer(text: text)
        answer.notes = notes
        answer.status = failed ? Complaint.no : 0
        return answer
    }

    private func answer(_ text: String, _ notes: [String]) -> Answer {
        var answer = Answer(text: text)
        answer.notes = notes
        return answer
    }

    private func prune(_ run: FoundRun) throws(Complaint) -> PruneView {
        let keeper = CheckpointKeeper(run: run, surroundings: surroundings)
        let settings = try settings(of: run)
        var view = PruneView(
            run: run, now: surroundings.now, plan: try keeper.plan(settings),
            isDryRun: values.dryRun)
        if let note = CheckpointReader(run: run, surroundings: surroundings).noteOnPins() {
            view.notes.append(note)
        }
        if values.dryRun { return view }
        view.pruned =
            rules.isEmpty
            ? try keeper.prune(settings) : try keeper.remove(view.plan.removals, settings)
        return view
    }

    /// Rules of this call: they stand in the place of those of the run.
    private var rules: [String: GivenOption] {
        given.filter { $0.value.spec.isRule }
    }

    private func settings(of run: FoundRun) throws(Complaint) -> Settings {
        let sources = OptionSources(command: .run, surroundings: surroundings)
        return try sources.values(try recordedOptions(of: run).merging(rules) { $1 }).settings
    }

    func recordedSettings(of run: FoundRun) throws(Complaint) -> Settings {
        let sources = OptionSources(command: .run, surroundings: surroundings)
        return try sources.values(try recordedOptions(of: run)).settings
    }
}

/// `supervise plan --cost DURATION --mtbf DURATION`.
extension CommandCall {
    func plan() throws(Complaint) -> Answer {
        try refuseOperands(after: 0)
        guard let cost = values.cost, let mtbf = values.mtbf else {
            let missing = values.cost == nil ? "--cost" : "--mtbf"
            throw Complaint(
                "\(missing) is missing, as in supervise plan --cost 30s --mtbf 3h "
                    + "(\(command.helpCall))")
        }
        let model = GoodputModel(
            cost: cost.seconds, mtbf: mtbf.seconds, restart: values.restart.seconds)
        let forecast = Forecast(model, simulates: values.simulates)
        if values.json { return try json(forecast) }
        let view = ForecastView(
            forecast: forecast, width: surroundings.width ?? 100, isPlain: surroundings.isPlain)
        return Answer(text: view.render())
    }
}
