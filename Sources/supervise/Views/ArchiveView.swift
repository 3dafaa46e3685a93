import SuperviseFormats
import SuperviseHost
import SuperviseStore
import SuperviseText

/// Archived runs, one a line.
struct ArchiveView {
    let rows: [Row]
    let now: Timestamp

    /// One of them, also in JSON.
    struct Row: Codable, Equatable {
        /// As other commands take it: `NAME@TIME`.
        var name: String
        var run: String
        @Null var archived: Timestamp?
        /// Of the run's directory.
        var path: String
        /// One word for how it ended; null where the record cannot be read.
        @Null var state: String?
        /// How many there are; null where they cannot be read.
        @Null var checkpoints: Int?
        /// Of the checkpoints, on the disk.
        @Null var bytes: Int64?
        /// How many of them are pinned; null where it cannot be told, and it counts as pinned.
        @Null var pinned: Int?
        @Null var checkpoint: CheckpointID?

        init(_ run: FoundRun, at now: Timestamp) {
            name = run.name.description
            self.run = run.name.name.description
            path = run.store.paths.run
            archived = run.name.archivedAt
            state = try? run.glance(at: now).word
            pinned = (try? run.store.pins.load())?.count
            guard let found = try? run.store.checkpoints.scan().checkpoints else { return }
            checkpoints = found.count
            bytes = found.sizeOnDisk
            checkpoint = found.last?.id
        }
    }

    func render() -> String {
        guard !rows.isEmpty else { return "" }
        let header = ["NAME", "STATE", "ARCHIVED", "CHECKPOINTS", "SIZE", "PINNED", "NEWEST"]
        return TextLayout.table([header] + rows.map(cells), right: [3, 4, 5])
    }

    private func cells(_ row: Row) -> [String] {
        let age = row.archived.map { "\(HumanText.age(now.seconds(since: $0))) ago" }
        let count = row.checkpoints.map { "\($0)" }
        let size = row.bytes.map { SizeText.format($0) }
        let pinned = row.pinned.map { $0 == 0 ? "-" : "\($0)" }
        return [
            row.name, row.state ?? "damaged", age ?? "-", count ?? "?", size ?? "?", pinned ?? "?",
            row.checkpoint?.description ?? "-",
        ]
    }
}
