import SuperviseFormats

/// Which checkpoints stay and why, and which go: a union of rules, as in the `forget` of restic and
/// of borg, for each branch, and then the limits for all of them together.
package struct RetentionPlan: Equatable, Sendable {
    /// In order of sequence.
    package private(set) var entries: [Entry]

    /// What becomes of one checkpoint.
    package struct Entry: Equatable, Sendable {
        package let id: CheckpointID
        /// What it takes of the disk, in bytes.
        package let size: Int64
        package let created: Timestamp
        /// Empty where no rule keeps it.
        package var reasons: Reasons = []
        /// nil where it stays.
        package var cause: Cause?
        /// Where it is on no branch but ones that were gone back from: the newest of its branch.
        package var earlierBranch: CheckpointID?
    }

    /// Why one is kept.
    package struct Reasons: OptionSet, Hashable, Sendable {
        package let rawValue: UInt16
        package static let newest = Reasons(rawValue: 1)
        package static let pinned = Reasons(rawValue: 1 << 1)
        package static let resumed = Reasons(rawValue: 1 << 2)
        /// It cannot be told whether it is pinned.
        package static let perhapsPinned = Reasons(rawValue: 1 << 3)
        package static let last = Reasons(rawValue: 1 << 4)
        package static let best = Reasons(rawValue: 1 << 5)
        package static let every = Reasons(rawValue: 1 << 6)
        package static let hourly = Reasons(rawValue: 1 << 7)
        package static let daily = Reasons(rawValue: 1 << 8)
        package static let weekly = Reasons(rawValue: 1 << 9)

        /// Against these no limit and no full disk counts.
        package static let protecting: Reasons = [.newest, .pinned, .resumed, .perhapsPinned]

        package init(rawValue: UInt16) { self.rawValue = rawValue }
    }

    /// Why one goes.
    package enum Cause: Equatable, Sendable {
        case noRule, maxAge, maxBytes
        /// Its path was taken again with the same step.
        case retaken
        /// The disk is full, and it is not protected.
        case fullDisk
    }

    /// What goes, oldest first.
    package var removals: [CheckpointID] {
        entries.compactMap { $0.cause == nil ? nil : $0.id }
    }

    /// Checkpoints of older branches that a limit removes, by the limit, oldest first.
    package var limited: [(cause: Cause, id: CheckpointID)] {
        entries.compactMap { entry in
            guard let cause = entry.cause, entry.earlierBranch != nil else { return nil }
            return cause == .maxAge || cause == .maxBytes ? (cause, entry.id) : nil
        }
    }

    /// - Parameters:
    ///   - checkpoints: all that are committed and not found bad, in order of sequence.
    ///   - retaken: takes of one path with one step, each in order of sequence. On a branch only the
    ///     newest of them counts.
    package init(
        _ checkpoints: [CheckpointSummary], rules: RetentionRules, protection: Protection,
        lineage: Lineage, retaken: [[CheckpointID]] = []
    ) {
        self.init(protecting: protection, among: checkpoints)
        let branches = lineage.branches(of: checkpoints.map(\.id.sequence))
        name(branches)
        var replaced: Set<Int> = []
        for branch in branches {
            let old = TakenPaths.replaced(retaken, in: branch.members, of: checkpoints)
            let members = old.isEmpty ? branch.members : branch.members.filter { !old.contains($0) }
            replaced.formUnion(old)
            keepLast(rules.keepLast, of: members)
            if let best = rules.keepBest { keepBest(best, of: members, checkpoints) }
            if let every = rules.keepEvery { keepEvery(Int64(every), of: members) }
            keepPeriods(rules.keepHourly, .hourly, of: members) { $0.hour }
            keepPeriods(rules.keepDaily, .daily, of: members) { $0.day }
            keepPeriods(rules.keepWeekly, .weekly, of: members) { $0.week }
        }
        for index in entries.indices where entries[index].reasons.isEmpty {
            entries[index].cause = replaced.contains(index) ? .retaken : .noRule
        }
        if let age = rules.maxAge { limit(age: age) }
        if let bytes = rules.maxBytes { limit(bytes: bytes) }
    }

    /// For a full disk: only what is protected stays.
    package init(clearing checkpoints: [CheckpointSummary], protection: Protection) {
        self.init(protecting: protection, among: checkpoints)
        for index in entries.indices where entries[index].reasons.isEmpty {
            entries[index].cause = .fullDisk
        }
    }

    private init(protecting protection: Protection, among checkpoints: [CheckpointSummary]) {
        entries = checkpoints.map {
            Entry(id: $0.id, size: $0.sizeOnDisk, created: $0.created)
        }
        for index in entries.indices {
            let id = entries[index].id
            if protection.resumed.contains(id) { entries[index].reasons.insert(.resumed) }
            if protection.pinned?.contains(id) == true { entries[index].reasons.insert(.pinned) }
            if protection.pinned == nil { entries[index].reasons.insert(.perhapsPinned) }
        }
        guard let newest = entries.indices.last else { return }
        // Where all are suspect, the oldest is what is left to go on from.
        let good = entries.lastIndex { !protection.suspects.contains($0.id) } ?? entries.startIndex
        entries[newest].reasons.insert(.newest)
        entries[good].reasons.insert(.newest)
    }

    /// Why this one must stay; empty where it need not.
    package static func protecting(
        _ id: CheckpointID, among checkpoints: [CheckpointSummary], _ protection: Protection
    ) -> Reasons {
        let plan = RetentionPlan(protecting: protection, among: checkpoints)
        return plan.entries.first { $0.id == id }?.reasons.intersection(.protecting) ?? []
    }
}

/// The rules, each by itself and for one branch.
extension RetentionPlan {
    /// - Parameter branches: the current one first, then from the newest to the oldest.
    private mutating func name(_ branches: [Lineage.Branch]) {
        guard branches.count > 1 else { return }
        for branch in branches.reversed() {
            let tip = branch.kind == .current ? nil : branch.members.last.map { entries[$0].id }
            for index in branch.members { entries[index].earlierBranch = tip }
        }
    }

    private mutating func keepLast(_ count: Int, of members: [Int]) {
        for index in members.suffix(max(1, count)) { entries[index].reasons.insert(.last) }
    }

    /// Of equal values the newer one is better. One without the metric is none of the best.
    private mutating func keepBest(
        _ best: RetentionRules.Best, of members: [Int], _ checkpoints: [CheckpointSummary]
    ) {
        var found: [(value: Double, index: Int)] = []
        for index in members {
            guard let value = checkpoints[index].metric(best.metric) else { continue }
            found.append((best.goal == .min ? value : -value, index))
        }
        found.sort { ($0.value, $1.index) < ($1.value, $0.index) }
        for (_, index) in found.prefix(best.count) { entries[index].reasons.insert(.best) }
    }

    /// The lowest step at or after each multiple; of equal steps, by a job that began anew by itself,
    /// the newer one.
    private mutating func keepEvery(_ steps: Int64, of members: [Int]) {
        var chosen: [Int64: (step: Int64, index: Int)] = [:]
        for index in members {
            guard let step = entries[index].id.step else { continue }
            let stretch = floorDivide(step, max(1, steps))
            if let other = chosen[stretch], other.step < step { continue }
            chosen[stretch] = (step, index)
        }
        for (_, index) in chosen.values { entries[index].reasons.insert(.every) }
    }

    /// Only periods that have a checkpoint are counted, so that an outage costs none.
    private mutating func keepPeriods(
        _ count: Int?, _ reason: Reasons, of members: [Int], _ period: (Timestamp) -> Int64
    ) {
        guard let count else { return }
        var seen: Set<Int64> = []
        for index in members.reversed() {
            guard seen.count < count else { return }
            if seen.insert(period(entries[index].created)).inserted {
                entries[index].reasons.insert(reason)
            }
        }
    }
}

/// The limits, for what the rules have kept.
extension RetentionPlan {
    private func mayGo(_ entry: Entry) -> Bool {
        entry.cause == nil && entry.reasons.isDisjoint(with: .protecting)
    }

    private mutating func limit(age: Duration) {
        guard let newest = entries.last?.created else { return }
        let oldest = newest.milliseconds - age.wholeMilliseconds
        for index in entries.indices where mayGo(entries[index]) {
            if entries[index].created.milliseconds < oldest { entries[index].cause = .maxAge }
        }
    }

    private mutating func limit(bytes: Int64) {
        // Sparse files may add up to more than a disk holds.
        var total = entries.reduce(Int128(0)) { $1.cause == nil ? $0 + Int128($1.size) : $0 }
        for index in entries.indices where total > bytes {
            guard mayGo(entries[index]) else { continue }
            entries[index].cause = .maxBytes
            total -= Int128(entries[index].size)
        }
    }
}

extension Timestamp {
    fileprivate var hour: Int64 { floorDivide(milliseconds, 3_600_000) }
    fileprivate var day: Int64 { floorDivide(milliseconds, 86_400_000) }
    /// 1970 began on a Thursday.
    fileprivate var week: Int64 { floorDivide(day + 3, 7) }
}

private func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
    value / divisor - (value % divisor < 0 ? 1 : 0)
}

/// What the options say about which checkpoints stay. Each rule counts each branch by itself, and a
/// checkpoint that any rule keeps is kept; then the two limits remove the oldest of what is left.
package struct RetentionRules: Equatable, Sendable {
    /// How many of the newest stay; at least 1.
    package var keepLast = 5
    package var keepBest: Best?
    /// The first at or after each multiple of so many steps stays; at least 1.
    package var keepEvery: Int?
    /// The newest of each of the last so many hours, days and weeks (UTC, from Monday) that have
    /// one stays; at least 1.
    package var keepHourly: Int?
    package var keepDaily: Int?
    package var keepWeekly: Int?
    /// What is older than the newest by more than this goes.
    package var maxAge: Duration?
    /// The oldest go until all together have no more bytes than this.
    package var maxBytes: Int64?

    /// Those with the best values of a metric stay.
    package struct Best: Equatable, Sendable {
        package var count: Int
        package var metric: String
        package var goal: Goal

        package enum Goal: String, Sendable { case min, max }

        package init(count: Int, metric: String, goal: Goal) {
            self.count = count
            self.metric = metric
            self.goal = goal
        }
    }

    package init() {}
}

/// What must stay, whatever the rules and the limits say.
package struct Protection: Equatable, Sendable {
    /// nil where it cannot be told which are pinned: then none goes.
    package var pinned: Set<CheckpointID>?
    /// What the job resumed from, or is about to.
    package var resumed: Set<CheckpointID>
    /// Those that failed so often that they are not good: the newest good one is another.
    package var suspects: Set<CheckpointID>

    package init(
        pinned: Set<CheckpointID>? = [], resumed: Set<CheckpointID> = [],
        suspects: Set<CheckpointID> = []
    ) {
        self.pinned = pinned
        self.resumed = resumed
        self.suspects = suspects
    }
}
