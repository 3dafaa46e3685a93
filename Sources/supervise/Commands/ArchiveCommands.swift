import SuperviseFormats
import SuperviseHost
import SuperviseStore

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
