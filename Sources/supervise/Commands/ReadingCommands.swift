import SuperviseCore
import SuperviseFormats

/// The commands that show how runs are going.
extension CommandCall {
    func status() throws(Complaint) -> Answer {
        if let check = values.check { return try healthCheck(check) }
        let glance = try meantRun().glance(at: surroundings.now)
        if values.json { return try json(glance.status) }
        let view = StatusView(
            glance: glance, now: surroundings.now, width: surroundings.width ?? 100,
            isPlain: surroundings.isPlain, isVerbose: values.verbose,
            placeOption: placeOption)
        return Answer(text: view.render())
    }

    /// What the supervisor itself says within a bound: what it has published stays when it hangs.
    private func healthCheck(_ check: HealthCheck) throws(Complaint) -> Answer {
        let run = try meantRun()
        let connection = try ControlConnection(
            to: run, for: words(on: run) + ["--check", check.rawValue], at: surroundings.now,
            within: HealthCheck.patience)
        let answer = try connection.ask(.init(command: "status"), within: HealthCheck.patience)
        guard case .status(let status) = answer else {
            throw Complaint("the supervisor of \(run.name) answered something else", status: 1)
        }
        var result =
            values.json
            ? try json(status)
            : Answer(text: "\(run.name) \(status.phase.rawValue), attempt \(status.attempt)\n")
        result.status = check.isPassed(by: status) ? 0 : Complaint.no
        return result
    }

    /// The run that changed last comes first. Where one cannot be read, the others are listed; those
    /// of services that are closed to us are none of ours, and only told of.
    func list() throws(Complaint) -> Answer {
        try refuseOperands(after: 0)
        if values.archived { return try listArchives() }
        var glances: [Glance] = []
        var notes: [String] = []
        let found = try runs.all()
        for run in found.open {
            do throws(Complaint) {
                glances.append(try run.glance(at: surroundings.now))
            } catch {
                notes.append(error.message)
            }
        }
        if values.resumable { glances = glances.filter(\.isResumable) }
        glances.sort { ($1.status.updated, $0.status.name) < ($0.status.updated, $1.status.name) }
        let isComplete =
            notes.isEmpty && found.closed.allSatisfy { $0.directory != runs.place.directory }
        notes += found.closed.map { $0.sentence(for: command.rawValue) }
        var answer: Answer
        if values.json {
            answer = try json(glances.map(\.status))
        } else {
            let view = ListView(
                glances: glances, now: surroundings.now, width: surroundings.width)
            answer = Answer(text: view.render())
            notes += runs.initialNotes()
            if glances.isEmpty, notes.isEmpty {
                let kind = values.resumable ? "no runs that can be resumed" : "no runs"
                notes.append("there are \(kind) in \(runs.place.directory)")
            }
        }
        answer.notes = notes
        answer.status = isComplete ? 0 : Complaint.no
        return answer
    }

    func events() throws(Complaint) -> EventsReader {
        EventsReader(
            run: try meantRun(), isJSON: values.json,
            view: EventsView(secondsAheadOfUTC: surroundings.secondsAheadOfUTC))
    }
}
