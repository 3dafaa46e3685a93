import SuperviseCore
import SuperviseFormats

/// Archived runs are cut down as the rules say, one step at a time; those with pins stay; and a full
/// disk takes those without before any checkpoint of the run.
struct ArchiveWitness {
    /// As they were last listed, the oldest first.
    private var listed: [ArchiveSummary] = []
    /// Of all of them, when they were last listed.
    private var newest: String?
    private var isWorking = false
    /// Removed since a checkpoint was last committed, or tried to be.
    private var tried: Set<String> = []
    /// Of the first look, how many must go before nothing more is to be done.
    private var over: Int?
    /// The first job runs, and the archive is to be looked at; nil before.
    private var isDue: Bool?

    mutating func judge(_ step: Step, _ world: World) throws(Violation) {
        follow(step)
        if case .spawned = step.event, world.mayHaveArchives { isDue = isDue ?? true }
        for action in step.actions {
            switch action {
            case .listArchives: try begin("a look at the archive")
            case .removeArchive(let time):
                try begin("the removal of \(time)")
                try judgeRemoval(of: time, step)
            case .trimArchive(let time, let ids):
                try begin("the trimming of \(time)")
                try judgeTrimming(time, ids, step)
            case .remove, .dropStaging: try judgeRoom(step)
            default: break
            }
        }
        if !step.withoutRoom.isEmpty { tried = [] }
        try judgeCount(step)
    }

    private mutating func follow(_ step: Step) {
        switch step.event {
        case .archives(let found):
            listed = found.sorted { $0.time < $1.time }
            newest = listed.last?.time
            isWorking = false
        case .archiveRemoved(let time, _):
            isWorking = false
            over = over.map { $0 - 1 }
            listed.removeAll { $0.time == time }
        case .archiveTrimmed: isWorking = false
        case .committed: tried = []
        default: break
        }
    }

    private mutating func begin(_ what: String) throws(Violation) {
        if isWorking { throw Violation("archive", "\(what) beside something else") }
        isWorking = true
    }

    private var unpinned: [String] { listed.filter { !$0.isPinned }.map(\.time) }

    private mutating func judgeRemoval(of time: String, _ step: Step) throws(Violation) {
        guard let place = unpinned.firstIndex(of: time) else {
            throw Violation("archive", "\(time) is pinned or unknown, and is to go")
        }
        let isOver = place < unpinned.count - step.settings.keepArchived
        let needsRoom = step.actions.contains { action in
            if case .log(.warning(let warning)) = action {
                warning.message.contains("the disk is full: removing the archived run")
            } else {
                false
            }
        }
        if needsRoom {
            let first = unpinned.first { !tried.contains($0) }
            if first != time { throw Violation("archive", "\(time) goes before \(first ?? "-")") }
            tried.insert(time)
        } else if !isOver {
            throw Violation("archive", "\(time) goes, and \(unpinned) are not too many")
        }
    }

    private func judgeTrimming(
        _ time: String, _ ids: [CheckpointID], _ step: Step
    ) throws(Violation) {
        guard let archive = listed.first(where: { $0.time == time }), let pins = archive.pins else {
            throw Violation("archive", "\(time) is not known well enough to be cut down")
        }
        if time == newest { throw Violation("archive", "the newest is cut down") }
        let good = archive.checkpoints.last {
            archive.suspects[$0.id.description, default: 0] < step.settings.rollbackAfter
        }
        let rules = NaiveRules(rules: step.settings.retention)
        for one in archive.checkpoints {
            let isBest = rules.isAmongTheBest(one, archive.checkpoints)
            let stays =
                isBest || pins.contains(one.id)
                || one.id == (good ?? archive.checkpoints.last)?.id
            if stays == ids.contains(one.id) {
                throw Violation("archive", "\(one.id) of \(time): it \(stays ? "goes" : "stays")")
            }
        }
    }

    /// What a full disk takes of the run itself.
    private func judgeRoom(_ step: Step) throws(Violation) {
        switch step.event {
        case .diskFull(let id, _):
            let isNew = !step.actions.contains(.dropStaging(id))
            if isNew {
                throw Violation("archive", "checkpoints go before the archive is looked at")
            }
        case .archives:
            if let left = unpinned.first(where: { !tried.contains($0) }) {
                throw Violation("archive", "checkpoints go for room, and \(left) stays")
            }
        default: break
        }
    }

    /// When all is done, not more stay than the option says, but for those that could not go.
    private mutating func judgeCount(_ step: Step) throws(Violation) {
        if case .archives = step.event, isDue == true {
            isDue = false
            over = unpinned.count - step.settings.keepArchived
        }
        guard !isWorking, let over, over > 0, step.exit == nil, step.supervisor.phase != .finished
        else { return }
        switch step.event {
        case .archives, .archiveRemoved, .archiveTrimmed:
            throw Violation("archive", "\(over) more should go, and nothing is done")
        default: break
        }
    }
}
