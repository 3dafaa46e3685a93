import SuperviseFormats

/// The checkpoints of a run that are committed and not found bad, and which of them go.
///
/// Each is in one of two lists, until it is gone:
///
///     all → leaving → (gone)      (the rules, an operator or a full disk remove it)
///     leaving → all               (somebody reads it, or the disk does not let go of it)
package struct CheckpointSet: Sendable {
    /// What a removal has to know beside the rules.
    struct Facts: Sendable {
        var protection: Protection
        /// Takes of one watched path with one step, of which the newest counts.
        var retaken: [[CheckpointID]]
    }

    /// In order of sequence.
    package private(set) var all: [CheckpointSummary]
    /// Ordered to be removed, and not yet answered.
    package private(set) var leaving: [CheckpointSummary] = []
    /// Which checkpoint continued from which.
    package private(set) var lineage: Lineage
    /// Of those that are leaving: what goes by a limit although its branch was said to stay.
    private var limited: [CheckpointID: RetentionPlan.Cause] = [:]
    /// Still there, although the rules remove them.
    private var holds = Holds()
    private var removers = Removers()
    private var compression = ColdCompression()
    private let rules: RetentionRules

    /// - Parameters:
    ///   - found: in any order.
    ///   - forks: those of the run record.
    init(_ found: [CheckpointSummary], forks: [RunRecord.Fork], rules: RetentionRules) {
        all = found.sorted { $0.id < $1.id }
        lineage = Lineage(forks, all)
        self.rules = rules
    }

    var newest: CheckpointSummary? { all.last }

    func contains(_ id: CheckpointID) -> Bool { all.contains { $0.id == id } }

    subscript(id: CheckpointID) -> CheckpointSummary? { all.last { $0.id == id } }

    /// The step of this checkpoint, or where it has none, of the nearest one that it continues from.
    func step(behind checkpoint: CheckpointSummary) -> Int64? {
        var next: CheckpointSummary? = checkpoint
        while let current = next {
            if let step = current.id.step { return step }
            guard case .checkpoint(let parent) = current.origin, parent < current.id.sequence
            else { return nil }
            next = all.last { $0.id.sequence == parent }
        }
        return nil
    }

    /// A new one is durable.
    mutating func insert(_ summary: CheckpointSummary) {
        putBack([summary])
        compression.committed()
    }

    /// In order of sequence, however many there are.
    private mutating func putBack(_ summaries: [CheckpointSummary]) {
        for summary in summaries {
            let place = all.lastIndex { $0.id < summary.id }.map { $0 + 1 } ?? 0
            all.insert(summary, at: place)
        }
    }

    /// It was found bad.
    mutating func takeOut(_ id: CheckpointID) { all.removeAll { $0.id == id } }

    /// It was found good, and stands there as the job wrote it.
    ///
    /// - Returns: nil where there is no such checkpoint.
    mutating func broughtBack(_ id: CheckpointID) -> CheckpointSummary? {
        guard let index = all.firstIndex(where: { $0.id == id }) else { return nil }
        all[index].compressedBytes = nil
        return all[index]
    }
}

/// Branches, as the attempts go on from one checkpoint or another.
extension CheckpointSet {
    /// Those on their way out count: they may be held, and stay.
    private var present: [Int64] {
        let there = all.map(\.id.sequence)
        return leaving.isEmpty ? there : (there + leaving.map(\.id.sequence)).sorted()
    }

    /// An attempt begins from there; nil for the beginning.
    ///
    /// - Parameters:
    ///   - next: the number of the next checkpoint.
    ///   - isAsked: somebody has chosen, as the options do not allow the newest one.
    mutating func branch(from parent: CheckpointID?, next: Int64, isAsked: Bool) {
        lineage.goOn(from: parent?.sequence, next: next, asked: isAsked, kept: present)
        lineage.tidy(kept: present)
    }

    private mutating func tidyBranches() {
        guard !lineage.forks.isEmpty else { return }
        lineage.tidy(kept: present)
    }

    /// The newest one of the current branch: what a checkpoint continues from that a job has made whose
    /// supervisor died.
    var tip: CheckpointSummary? {
        let tip = lineage.currentTip(of: all.map(\.id.sequence))
        return all.last { $0.id.sequence == tip }
    }
}

/// Removals.
extension CheckpointSet {
    private func plan(_ facts: Facts) -> RetentionPlan {
        RetentionPlan(
            all, rules: rules, protection: facts.protection, lineage: lineage,
            retaken: facts.retaken)
    }

    /// Removes what the rules say.
    ///
    /// - Returns: which these are.
    @discardableResult
    mutating func removeByRules(_ facts: Facts, _ orders: inout Orders) -> [CheckpointID] {
        let plan = plan(facts)
        for (cause, id) in plan.limited { limited[id] = cause }
        remove(plan.removals, &orders)
        return plan.removals
    }

    private mutating func remove(_ removals: [CheckpointID], _ orders: inout Orders) {
        guard !removals.isEmpty else { return }
        let going = Set(removals)
        leaving += all.filter { going.contains($0.id) }
        all.removeAll { going.contains($0.id) }
        holds.subtract(going)
        // It goes when that has ended.
        if let id = compression.current, going.contains(id) { compression.cancel(&orders) }
        orders.add(.remove(removals))
    }

    /// What no rule would keep once these are there, too.
    func unkept(with expected: [CheckpointSummary], _ protection: Protection) -> Set<CheckpointID> {
        let plan = RetentionPlan(
            all + expected, rules: rules, protection: protection, lineage: lineage)
        return Set(plan.entries.filter { $0.cause == .noRule }.map(\.id))
    }

    /// What goes on a full disk, whatever the rules say.
    ///
    /// - Parameter needed: so many bytes are to become free; nil takes all that may go.
    func removalsForRoom(_ needed: Int64?, _ protection: Protection) -> [CheckpointID] {
        RoomPlan(all, protection: protection, needed: needed).removals
    }

    /// Removes what the rules keep.
    ///
    /// - Parameter next: what happens then.
    mutating func clear(
        _ removals: [CheckpointID], so next: String, _ orders: inout Orders
    ) {
        guard !removals.isEmpty else { return }
        let what = removals.count == 1 ? "checkpoint" : "checkpoints"
        let names =
            removals.count > 5
            ? "\(removals.count) \(what)"
            : "\(what) " + removals.map(\.description).joined(separator: ", ")
        orders.warn("the disk is full: removing \(names), whatever the rules say, and \(next)")
        remove(removals, &orders)
    }

    /// A removal was answered.
    ///
    /// - Parameters:
    ///   - gone: those that are no longer there.
    ///   - held: those that stay.
    ///   - isRead: by somebody; else the disk does not let go of them, and the next removal tries again.
    mutating func removed(
        _ gone: [CheckpointID], held: [CheckpointID], isRead: Bool, _ facts: Facts,
        _ orders: inout Orders
    ) {
        let left = settle(gone, held: Set(held), isRead: isRead, facts, &orders)
        for id in held + gone { limited[id] = nil }
        tidyBranches()
        removers.removed(left, held: Set(held), &orders)
    }

    /// The same at the end of the run: limits and branches are told no more.
    mutating func removedAtEnd(
        _ gone: [CheckpointID], held: [CheckpointID], isRead: Bool, _ facts: Facts,
        _ orders: inout Orders
    ) {
        let left = settle(gone, held: Set(held), isRead: isRead, facts, &orders)
        removers.removed(left, held: Set(held), &orders)
    }

    /// - Returns: those that have left.
    private mutating func settle(
        _ gone: [CheckpointID], held: Set<CheckpointID>, isRead: Bool, _ facts: Facts,
        _ orders: inout Orders
    ) -> [CheckpointSummary] {
        tellRemoved(gone, &orders)
        let answered = held.union(gone)
        putBack(leaving.filter { held.contains($0.id) })
        let left = leaving.filter { answered.contains($0.id) && !held.contains($0.id) }
        leaving.removeAll { answered.contains($0.id) }
        if !held.isEmpty {
            // What an operator wanted to delete stays.
            let due = held.intersection(plan(facts).removals)
            for id in holds.stayed(due, isRead: isRead) { orders.add(.awaitRelease(id)) }
        }
        return left
    }

    /// Says what is gone, and by itself what a limit took of a branch that was said to stay.
    private func tellRemoved(_ gone: [CheckpointID], _ orders: inout Orders) {
        let others = gone.filter { limited[$0] == nil }
        if !others.isEmpty { orders.log(.removed(.init(ids: others))) }
        for (cause, limit) in [
            (RetentionPlan.Cause.maxAge, RunEvent.Removed.Limit.maxAge), (.maxBytes, .maxBytes),
        ] {
            let ids = gone.filter { limited[$0] == cause }
            if !ids.isEmpty { orders.log(.removed(.init(ids: ids, limit: limit))) }
        }
    }

    /// Nobody reads it any more.
    ///
    /// - Returns: whether it was due to go.
    mutating func released(_ id: CheckpointID) -> Bool { holds.released(id) }

    /// The run ends: what no rule keeps goes before it.
    mutating func removeLast(_ facts: Facts, _ orders: inout Orders) {
        removeByRules(facts, &orders)
        // Those that are left have been pinned, or a rule keeps them again.
        holds.forget()
    }

    /// Some are on their way out, or go as soon as their readers have ended.
    var isRemoving: Bool { !leaving.isEmpty || holds.isWaiting }

    /// What is not gone, though no rule keeps it; in order of sequence.
    var unremoved: [CheckpointID] { (leaving.map(\.id) + holds.ids).sorted() }

    /// How many are still on the disk and will go: ordered, or held until their reader has ended.
    func outstandingRemovals(pinned: Set<CheckpointID>) -> Int {
        guard !holds.ids.isEmpty else { return leaving.count }
        return leaving.count + all.count { holds.ids.contains($0.id) && !pinned.contains($0.id) }
    }
}

/// What operators ask.
extension CheckpointSet {
    private static let tooEarly =
        "the run is only just starting, and any checkpoint may be needed; try again"

    /// - Parameter hasChosen: it is known what the job goes on from.
    mutating func delete(
        _ id: CheckpointID, for sender: Sender, hasChosen: Bool, _ facts: Facts,
        _ orders: inout Orders
    ) {
        guard contains(id) else {
            return orders.refuse(sender, .unknownCheckpoint, "there is no checkpoint \(id)")
        }
        guard hasChosen else { return orders.refuse(sender, .conflict, Self.tooEarly) }
        let reasons = RetentionPlan.protecting(id, among: all, facts.protection)
        if let refusal = reasons.refusal(of: id) {
            return orders.refuse(sender, .conflict, refusal)
        }
        removers.wait(for: id, sender)
        remove([id], &orders)
    }

    /// - Parameter hasChosen: it is known what the job goes on from.
    mutating func prune(
        for sender: Sender, hasChosen: Bool, _ facts: Facts, _ orders: inout Orders
    ) {
        guard facts.protection.pinned != nil else {
            return orders.refuse(sender, .io, PinBook.unreadable)
        }
        guard hasChosen else { return orders.refuse(sender, .conflict, Self.tooEarly) }
        let removals = removeByRules(facts, &orders)
        guard !removals.isEmpty else {
            return orders.answer(.pruned(.init(removed: 0, bytes: 0, held: 0)), to: sender)
        }
        removers.wait(for: Set(removals), sender)
    }
}

/// Cold compression: one checkpoint after the other.
extension CheckpointSet {
    /// - Parameter resumed: what the job resumed from.
    mutating func compressNext(
        resumed: CheckpointID?, _ facts: Facts, _ orders: inout Orders
    ) {
        guard compression.current == nil else { return }
        let plan = plan(facts)
        compression.next(of: all, resumed: resumed, &orders) { plan.removals }
    }

    mutating func cancelCompression(_ orders: inout Orders) { compression.cancel(&orders) }

    /// It is needed as the job wrote it.
    mutating func cancelCompression(of id: CheckpointID, _ orders: inout Orders) {
        if compression.current == id { compression.cancel(&orders) }
    }

    mutating func compressed(
        _ id: CheckpointID, _ result: Event.Compression, resumed: CheckpointID?,
        _ orders: inout Orders
    ) {
        guard let bytes = compression.ended(id, result, &orders),
            let index = all.firstIndex(where: { $0.id == id }), resumed != id
        else { return }
        all[index].compressedBytes = bytes
        let before = all[index].bytes
        if bytes < before {
            orders.log(.compressed(.init(id: id, bytes: before, compressedBytes: bytes)))
        }
    }
}
