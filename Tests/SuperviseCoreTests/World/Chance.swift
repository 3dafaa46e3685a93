import SuperviseCore

/// The random decisions of one history, all from its seed.
struct Chance {
    var bits: SplitMix

    init(seed: UInt64) {
        bits = SplitMix(seed: seed)
    }

    mutating func share() -> Double {
        Double(bits.next() >> 11) * 0x1p-53
    }

    mutating func happens(_ probability: Double) -> Bool {
        probability > 0 && share() < probability
    }

    mutating func number(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(bits.next() % UInt64(range.upperBound - range.lowerBound + 1))
    }

    mutating func seed() -> UInt64 { bits.next() }

    /// Nanoseconds between two numbers of milliseconds, the short ones far more often.
    mutating func wait(_ low: Double, _ high: Double) -> Int64 {
        let share = share()
        return Int64((low + (high - low) * share * share * share) * 1e6) + Int64(number(0...999))
    }
}
