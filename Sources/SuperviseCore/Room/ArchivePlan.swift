import SuperviseFormats

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
