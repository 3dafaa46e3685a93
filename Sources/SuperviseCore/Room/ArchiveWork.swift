import SuperviseFormats

/// The work on archived runs of this name: they are cut down beside the job, one step after the other,
/// and removed where a full disk needs their room.
struct ArchiveWork: Sendable {
    private var isListing = false
    /// Ordered, and not yet answered.
    private var current: ArchivePlan.Step?
    /// Ordered one after the other.
    private var steps: [ArchivePlan.Step] = []
    /// They are to be cut down as the options say, when they have been looked at.
    private var isDue = false
    /// They were looked at once, to be cut down.
    private var hasTended: Bool
    /// Removed for room, or tried to be, since the last save that needed some.
    private var tried: Set<String> = []
    private let name: String

    /// - Parameters:
    ///   - name: of the run.
    ///   - mayExist: there may be some that are to be cut down.
    init(name: String, mayExist: Bool) {
        self.name = name
        hasTended = !mayExist
    }

    /// The first job runs: what is older than its run has time.
    mutating func tend(_ orders: inout Orders) {
        guard !hasTended else { return }
        hasTended = true
        isDue = true
        look(&orders)
    }

    /// Does nothing while a step is under way: its answer looks again.
    mutating func look(_ orders: inout Orders) {
        guard !isListing, current == nil else { return }
        isListing = true
        orders.add(.listArchives)
    }

    /// For the next save that finds the disk full, all of them are tried again.
    mutating func startAnew() { tried = [] }

    /// - Parameter afterRoom: what happens once there is room; nil where nothing waits for it.
    /// - Returns: whether room is wanted and none of them may go for it; nil where nobody has looked.
    mutating func listed(
        _ found: [ArchiveSummary], afterRoom: String?, _ settings: Settings,
        _ orders: inout Orders
    ) -> Bool? {
        guard isListing else { return nil }
        isListing = false
        let victim = afterRoom == nil ? nil : ArchivePlan.first(of: found, spared: tried)
        // Plan the remaining steps again: the run that is removed for room no longer counts.
        if isDue || !steps.isEmpty {
            isDue = false
            steps =
                ArchivePlan(
                    found.filter { $0.time != victim }, keep: settings.keepArchived,
                    best: settings.retention.keepBest, rollbackAfter: settings.rollbackAfter
                ).steps
        }
        guard let afterRoom else { return false }
        guard let victim else { return true }
        tried.insert(victim)
        steps.insert(.remove(victim), at: 0)
        orders.warn(
            "the disk is full: removing the archived run \(reference(victim)), and \(afterRoom)")
        return false
    }

    mutating func orderNext(_ orders: inout Orders) {
        guard !isListing, current == nil, !steps.isEmpty else { return }
        let step = steps.removeFirst()
        current = step
        switch step {
        case .remove(let time): orders.add(.removeArchive(time))
        case .trim(let time, let ids): orders.add(.trimArchive(time, ids))
        }
    }

    /// - Parameter time: of the archived run.
    /// - Returns: whether that was the step under way.
    mutating func ended(_ time: String) -> Bool {
        guard current?.time == time else { return false }
        current = nil
        return true
    }

    /// - Parameter bytes: nil where it stays.
    func tellRemoved(_ time: String, bytes: Int64?, _ orders: inout Orders) {
        guard let bytes else { return }
        orders.log(.archiveRemoved(.init(archive: reference(time), bytes: bytes)))
    }

    func tellTrimmed(
        _ time: String, gone: [CheckpointID], bytes: Int64, _ orders: inout Orders
    ) {
        guard !gone.isEmpty else { return }
        orders.log(.archiveTrimmed(.init(archive: reference(time), ids: gone, bytes: bytes)))
    }

    private func reference(_ time: String) -> String { "\(name)@\(time)" }
}

/// The removals of archived runs, in order.
///
/// The newest stays whole. An older one is cut down to its newest good checkpoint, its best and its
/// pinned ones. At most so many as the rule says stay; those with pins stay beside them.
package struct ArchivePlan: Equatable, Sendable {
    package enum Step: Equatable, Sendable {
        /// The whole archived run.
        case remove(String)
        /// These checkpoints of it, in order of sequence.
        case trim(String, [CheckpointID])

        /// Of which archived run.
        package var time: String {
            switch self {
            case .remove(let time), .trim(let time, _): time
            }
        }
    }

    package private(set) var steps: [Step] = []

    /// - Parameters:
    ///   - archives: in any order.
    ///   - keep: how many without pins stay; from 0.
    ///   - best: of an older one, so many of the best stay.
    ///   - rollbackAfter: so many failures in a row make a checkpoint suspect.
    package init(
        _ archives: [ArchiveSummary], keep: Int, best: RetentionRules.Best?, rollbackAfter: Int
    ) {
        let sorted = archives.sorted { $0.time < $1.time }
        let going = sorted.filter { !$0.isPinned }.dropLast(max(0, keep))
        steps = going.map { .remove($0.time) }
        let gone = Set(going.map(\.time))
        for archive in sorted.dropLast() where !gone.contains(archive.time) {
            let ids = Self.trimmed(archive, best, rollbackAfter)
            if !ids.isEmpty { steps.append(.trim(archive.time, ids)) }
        }
    }

    /// The archived run that goes first where the disk is full; nil where none may.
    ///
    /// - Parameter spared: those that could not be removed.
    package static func first(
        of archives: [ArchiveSummary], spared: Set<String>
    ) -> String? {
        archives.filter { !$0.isPinned && !spared.contains($0.time) }.map(\.time).min()
    }

    private static func trimmed(
        _ archive: ArchiveSummary, _ best: RetentionRules.Best?, _ rollbackAfter: Int
    ) -> [CheckpointID] {
        guard let pins = archive.pins else { return [] }
        // Where nothing good is left, something may be saved of what is damaged.
        guard let newest = archive.checkpoints.last else { return [] }
        let good = archive.checkpoints.last {
            archive.suspects[$0.id.description, default: 0] < rollbackAfter
        }
        var rules = RetentionRules()
        rules.keepLast = 1
        rules.keepBest = best
        let plan = RetentionPlan(
            archive.checkpoints, rules: rules, protection: Protection(), lineage: Lineage())
        let kept = plan.entries.filter { $0.reasons.contains(.best) }.map(\.id)
        let staying = pins.union(kept).union([(good ?? newest).id])
        let all = archive.checkpoints.map(\.id) + archive.damaged
        return all.filter { !staying.contains($0) }.sorted()
    }
}
