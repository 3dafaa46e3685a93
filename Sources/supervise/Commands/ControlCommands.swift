import SuperviseFormats
import SuperviseHost
import SuperviseStore
import SuperviseText

/// The commands that ask a supervisor.
extension CommandCall {
    func checkpoint() throws(Complaint) -> Answer {
        let run = try meantRun()
        let connection = try ControlConnection(to: run, for: words(on: run), at: surroundings.now)
        let answer = try connection.ask(.init(command: "checkpoint"))
        guard case .committed(let done) = answer else {
            throw Complaint("the supervisor of \(run.name) answered something else", status: 1)
        }
        if values.json { return try json(done) }
        let size = SizeText.format(done.bytes)
        let path = HumanText.printable(done.path)
        return Answer(
            text: "checkpoint \(done.id), \(size) in \(HumanText.duration(done.seconds)): \(path)\n"
        )
    }

    /// This call as it is repeated in another container.
    func words(on run: FoundRun) -> [String] {
        ["supervise", command.rawValue, run.name.description]
    }

    /// Returns when the next attempt is up.
    func restart() throws(Complaint) -> Answer {
        try control("restart", checkpoint: values.skipsCheckpoint ? false : nil)
    }

    /// Does what is done at once, and shows how the run is then.
    func control(_ command: String, checkpoint: Bool? = nil) throws(Complaint) -> Answer {
        let run = try meantRun()
        let connection = try ControlConnection(to: run, for: words(on: run), at: surroundings.now)
        _ = try connection.ask(.init(command: command, checkpoint: checkpoint))
        guard case .status(let status) = try connection.ask(.init(command: "status")) else {
            throw Complaint("the supervisor of \(run.name) answered something else", status: 1)
        }
        if values.json { return try json(status) }
        return Answer(text: "\(run.name) \(status.phase.rawValue), attempt \(status.attempt)\n")
    }

    /// Returns when the supervisor has ended, so that what comes next finds the run free.
    func stop() throws(Complaint) -> Answer {
        let run = try meantRun()
        let connection = try ControlConnection(to: run, for: words(on: run), at: surroundings.now)
        let wantsCheckpoint: Bool? = values.skipsCheckpoint ? false : nil
        _ = try connection.ask(.init(command: "stop", checkpoint: wantsCheckpoint))
        connection.waitForEnd()
        let glance = try run.glance(at: surroundings.now)
        var answer: Answer
        if values.json {
            answer = try json(glance.status)
        } else {
            let steps = StatusView.steps(of: glance.status.progress).map { " at \($0)" } ?? ""
            let newest = glance.status.checkpoint.map { "newest checkpoint \($0.id)" }
            answer = Answer(
                text: "\(run.name) \(glance.word)\(steps), \(newest ?? "no checkpoint")\n")
        }
        answer.status = glance.status.phase == .finished && !glance.isLost ? 0 : Complaint.no
        return answer
    }
}

/// `supervise list --archived`.
extension CommandCall {
    func listArchives() throws(Complaint) -> Answer {
        if values.resumable {
            throw Complaint(
                "no run in the archive can be resumed: leave out --resumable; to take a checkpoint "
                    + "out: supervise checkpoints NAME@TIME export ID DEST")
        }
        let rows = try runs.archives().map { ArchiveView.Row($0, at: surroundings.now) }
        if values.json { return try json(rows) }
        let view = ArchiveView(rows: rows, now: surroundings.now)
        var answer = Answer(text: view.render())
        if rows.isEmpty { answer.notes = ["there are no archived runs in \(runs.place.directory)"] }
        return answer
    }
}
