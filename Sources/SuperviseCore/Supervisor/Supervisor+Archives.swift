import SuperviseFormats

/// Archived runs of this name: cut down beside the job, one step after the other, and removed where a
/// full disk needs their room.
extension Supervisor {
    /// The state of the work on archived runs.
    struct ArchiveWork: Sendable {
        var isListing = false
        /// Ordered, and not yet answered.
        var current: ArchivePlan.Step?
        /// Ordered one after the other.
        var steps: [ArchivePlan.Step] = []
        /// They are to be cut down as the options say, when they have been looked at.
        var isDue = false
        /// Removed for room, or tried to be, since the last commit that needed some.
        var tried: Set<String> = []
        /// Checkpoints that found the disk full, and what is said if there is no room.
        var waiting: [Waiting] = []

        struct Waiting: Sendable {
            let id: CheckpointID
            let error: ProtocolError
        }
    }

    /// The first job runs: what is older than its run has time.
    mutating func tendArchives() {
        guard mayHaveArchives, !hasTendedArchives else { return }
        hasTendedArchives = true
        archives.isDue = true
        lookAtArchives()
    }

    /// Does nothing while a step is under way: its answer looks again.
    mutating func lookAtArchives() {
        guard !archives.isListing, archives.current == nil else { return }
        archives.isListing = true
        orders.add(.listArchives)
    }

    mutating func archivesListed(_ found: [ArchiveSummary], at now: Moment) {
        guard archives.isListing else { return }
        archives.isListing = false
        let next = afterRoom
        let victim = next != nil ? ArchivePlan.first(of: found, spared: archives.tried) : nil
        // Plan the remaining steps again: the run that is removed for room no longer counts.
        if archives.isDue || !archives.steps.isEmpty {
            archives.isDue = false
            archives.steps =
                ArchivePlan(
                    found.filter { $0.time != victim }, keep: settings.keepArchived,
                    best: settings.retention.keepBest, rollbackAfter: settings.rollbackAfter
                ).steps
        }
        if let victim, let next {
            removeForRoom(victim, next)
        } else if next != nil {
            clearCheckpoints(at: now)
            clearCheckpointsForShortage(at: now)
        }
        nextArchiveStep()
    }

    /// What happens once there is room; nil where nothing waits for it.
    private var afterRoom: String? {
        if let waiting = archives.waiting.last, !logs.isOrdered {
            return "trying \(waiting.id) once more"
        }
        if case .archives = shortage?.stage { return "the job may save again" }
        return nil
    }

    private mutating func removeForRoom(_ time: String, _ next: String) {
        archives.tried.insert(time)
        archives.steps.insert(.remove(time), at: 0)
        let message =
            "the disk is full: removing the archived run \(reference(time)), and \(next)"
        orders.warn(message)
    }

    private mutating func nextArchiveStep() {
        guard !archives.isListing, archives.current == nil, !archives.steps.isEmpty else { return }
        let step = archives.steps.removeFirst()
        archives.current = step
        switch step {
        case .remove(let time): orders.add(.removeArchive(time))
        case .trim(let time, let ids): orders.add(.trimArchive(time, ids))
        }
    }

    mutating func archiveRemoved(_ time: String, bytes: Int64?, at now: Moment) {
        guard archives.current?.time == time else { return }
        logRemovedArchive(time, bytes: bytes)
        archiveStepDone(hasRoom: bytes != nil, at: now)
    }

    mutating func archiveTrimmed(
        _ time: String, gone: [CheckpointID], bytes: Int64, at now: Moment
    ) {
        guard archives.current?.time == time else { return }
        logTrimmedArchive(time, gone: gone, bytes: bytes)
        archiveStepDone(hasRoom: !gone.isEmpty, at: now)
    }

    /// - Parameter bytes: nil where it stays.
    mutating func logRemovedArchive(_ time: String, bytes: Int64?) {
        guard let bytes else { return }
        orders.log(.archiveRemoved(.init(archive: reference(time), bytes: bytes)))
    }

    mutating func logTrimmedArchive(_ time: String, gone: [CheckpointID], bytes: Int64) {
        guard !gone.isEmpty else { return }
        orders.log(.archiveTrimmed(.init(archive: reference(time), ids: gone, bytes: bytes)))
    }

    private mutating func archiveStepDone(hasRoom: Bool, at now: Moment) {
        archives.current = nil
        if hasRoom {
            useRoom(isMore: true, at: now)
        } else if !archives.waiting.isEmpty {
            lookAtArchives()
        }
        archiveStepEnded(forShortage: hasRoom)
        nextArchiveStep()
    }

    private func reference(_ time: String) -> String { "\(record.name)@\(time)" }
}
