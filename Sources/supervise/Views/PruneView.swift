import SuperviseCore
import SuperviseFormats
import SuperviseHost
import SuperviseStore
import SuperviseText

/// What stays of a run and why, and what goes.
struct PruneView {
    let run: FoundRun
    let now: Timestamp
    let plan: RetentionPlan
    let isDryRun: Bool
    /// nil where nothing was to be done.
    var pruned: SupervisorMessage.Pruned?
    var notes: [String] = []

    /// In JSON.
    struct Object: Codable {
        var name: String
        var dryRun: Bool
        @Null var removed: Int?
        @Null var bytes: Int64?
        @Null var held: Int?
        var checkpoints: [Checkpoint]

        enum CodingKeys: String, CodingKey {
            case name, removed, bytes, held, checkpoints
            case dryRun = "dry_run"
        }

        init(_ view: PruneView) {
            name = view.run.name.description
            dryRun = view.isDryRun
            checkpoints = view.plan.entries.map(Checkpoint.init)
            removed = view.pruned?.removed
            bytes = view.pruned?.bytes
            held = view.pruned?.held
        }
    }

    struct Checkpoint: Codable {
        var id: CheckpointID
        var created: Timestamp
        var bytes: Int64
        var keep: Bool
        var reasons: [String]
        /// The newest of its branch, where that is not the one that the run goes on with.
        @Null var earlierBranch: CheckpointID?

        enum CodingKeys: String, CodingKey {
            case id, created, bytes, keep, reasons
            case earlierBranch = "earlier_branch"
        }

        init(_ entry: RetentionPlan.Entry) {
            id = entry.id
            created = entry.created
            bytes = entry.size
            keep = entry.cause == nil
            reasons = entry.cause.map { [$0.text] } ?? entry.reasons.texts
            earlierBranch = entry.earlierBranch
        }
    }

    var object: Object { Object(self) }

    /// The newest first, as in the list of checkpoints.
    var text: String {
        guard !plan.entries.isEmpty else { return "run \(run.name) has no checkpoint\n" }
        var cells = TableCells()
        cells.add(["CHECKPOINT", "AGE", "SIZE", "", "BECAUSE"])
        for entry in plan.entries.reversed() {
            cells.add([
                entry.id.description, "\(HumanText.age(now.seconds(since: entry.created))) ago",
                SizeText.format(entry.size), entry.cause == nil ? "stays" : "goes",
                because(entry),
            ])
        }
        return cells.text(right: [2]) + summary + "\n"
    }

    private func because(_ entry: RetentionPlan.Entry) -> String {
        let reason = entry.cause?.text ?? entry.reasons.texts.joined(separator: ", ")
        guard let tip = entry.earlierBranch else { return reason }
        return tip == entry.id ? "\(reason) (an earlier branch)" : "\(reason) (branch of \(tip))"
    }

    private var summary: String {
        let stay = plan.entries.filter { $0.cause == nil }
        let kept = "\(told(stay.count, stay.reduce(0) { $0 + $1.size })) stay"
        guard let pruned else {
            let go = plan.entries.filter { $0.cause != nil }
            return "\(kept); \(told(go.count, go.reduce(0) { $0 + $1.size })) would go."
        }
        let held =
            pruned.held == 0
            ? "" : "; \(pruned.held) more would go, and somebody is reading them: prune again"
        return "\(kept); \(told(pruned.removed, pruned.bytes)) removed\(held)."
    }

    private func told(_ count: Int, _ bytes: Int64) -> String {
        "\(HumanText.count(count, "checkpoint")) (\(SizeText.format(bytes)))"
    }
}

extension RetentionPlan.Reasons {
    private static let words: [(RetentionPlan.Reasons, String)] = [
        (.newest, "newest good"), (.pinned, "pinned"), (.resumed, "resumed from"),
        (.perhapsPinned, "perhaps pinned"), (.last, "last"), (.best, "best"), (.every, "every"),
        (.hourly, "hourly"), (.daily, "daily"), (.weekly, "weekly"),
    ]

    var texts: [String] {
        Self.words.compactMap { contains($0.0) ? $0.1 : nil }
    }
}

extension RetentionPlan.Cause {
    var text: String {
        switch self {
        case .noRule: "no rule keeps it"
        case .retaken: "its path was taken again"
        case .maxAge: "older than max-age"
        case .maxBytes: "over max-bytes"
        case .fullDisk: "the disk is full"
        }
    }
}
