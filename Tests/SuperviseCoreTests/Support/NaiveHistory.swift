import SuperviseCore
import SuperviseFormats

/// A run that goes back now and then, and what its branches are: by the true parent of each
/// checkpoint, which a ``Lineage`` does not have once parents are gone.
struct NaiveHistory {
    private(set) var lineage = Lineage()
    private(set) var kept: [Int64] = []
    /// Of every checkpoint that ever was; nil for the beginning.
    private(set) var parents: [Int64: Int64?] = [:]
    /// Nothing was ever removed.
    private(set) var isWhole = true
    private var sequence: Int64 = 0
    /// What the attempt has committed last or resumed from.
    private var last: Int64?
    /// The checkpoints that were the newest when an attempt went on from another one, and whether
    /// somebody had asked for it.
    private var left: [Int64: Bool] = [:]
    private var chance: Chance

    init(seed: UInt64) { chance = Chance(seed: seed) }

    /// One thing happens: an attempt begins, a checkpoint is committed, or some are removed.
    mutating func goOn() {
        switch chance.number(0...9) {
        case 0...1: beginAttempt()
        case 2: remove()
        default: commit()
        }
    }

    private mutating func beginAttempt() {
        let newest = kept.last
        last = newest
        if !kept.isEmpty, chance.happens(0.7) {
            last = kept[chance.number(0...(kept.count - 1))]
            if chance.happens(0.1) { last = nil }
        }
        let asked = chance.happens(0.6)
        lineage.goOn(from: last, next: sequence + 1, asked: asked, kept: kept)
        if let newest { left[newest] = last == newest ? nil : asked }
    }

    private mutating func commit() {
        // Some are begun and never committed.
        sequence += Int64(chance.number(1...3))
        kept.append(sequence)
        parents[sequence] = .some(last)
        last = sequence
    }

    private mutating func remove() {
        let newest = kept.last
        let share = chance.share()
        let before = kept.count
        kept.removeAll { $0 != newest && $0 != last && chance.happens(share) }
        if kept.count < before { isWhole = false }
        if chance.happens(0.8) { lineage.tidy(kept: kept) }
    }

    /// It and all before it that are left.
    private func chain(_ tip: Int64?) -> [Int64] {
        var found: [Int64] = []
        var next = tip
        while let sequence = next {
            if kept.contains(sequence) { found.append(sequence) }
            next = parents[sequence] ?? nil
        }
        return found.reversed()
    }

    /// What the branches must be.
    struct Expected {
        var current: [Int64]
        /// Those that a person went back from, and those that attempts fell back from.
        var asked: Set<[Int64]> = []
        var rolledBack: Set<[Int64]> = []
        /// Those that were gone back from in both ways, one after the other: either may count.
        var either: Set<[Int64]> = []
    }

    func expected() -> Expected {
        var expected = Expected(current: chain(last))
        var tips = kept
        for sequence in kept {
            let ancestors = chain(sequence).dropLast()
            tips.removeAll { ancestors.contains($0) }
        }
        for tip in tips where !expected.current.contains(tip) {
            let ways = Set(left.filter { descends($0.key, from: tip) }.values)
            switch ways {
            case [true]: expected.asked.insert(chain(tip))
            case [false]: expected.rolledBack.insert(chain(tip))
            default: expected.either.insert(chain(tip))
            }
        }
        return expected
    }

    private func descends(_ sequence: Int64, from ancestor: Int64) -> Bool {
        var next: Int64? = sequence
        while let current = next {
            if current == ancestor { return true }
            next = parents[current] ?? nil
        }
        return false
    }
}
