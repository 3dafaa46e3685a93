import SuperviseFormats

/// How much of the time is useful where failures come at random, and which interval is best.
///
/// Failures are exponential, with `mtbf` between them on the average; they also strike while a
/// checkpoint is made and while the job starts again. All times are in seconds.
///
/// Young, "A first order approximation to the optimum checkpoint interval", 1974; Daly, "A higher
/// order estimate of the optimum checkpoint interval for restart dumps", 2006.
package struct GoodputModel: Equatable, Sendable {
    /// Of a checkpoint: δ.
    package var cost: Double
    /// M: more than 0.
    package var mtbf: Double
    /// From a failure until the job works again: R.
    package var restart: Double

    package init(cost: Double, mtbf: Double, restart: Double = 0) {
        self.cost = cost
        self.mtbf = mtbf
        self.restart = restart
    }

    /// The expected share of the time that is useful, with checkpoints τ = `interval` apart:
    /// τ / (M·e^(R/M)·(e^((τ+δ)/M) − 1)), from Daly's equation for the whole time.
    package func share(every interval: Double) -> Double {
        let cycle = Analysis.exponential((interval + cost) / mtbf) - 1
        return interval / (mtbf * Analysis.exponential(restart / mtbf) * cycle)
    }

    /// √(2δM)
    package var young: Double { (2 * cost * mtbf).squareRoot() }

    /// √(2δM)·[1 + ⅓·√(δ/2M) + ⅑·(δ/2M)] − δ where δ < 2M, else M.
    package var daly: Double {
        let ratio = cost / (2 * mtbf)
        guard ratio < 1 else { return mtbf }
        return young * (1 + ratio.squareRoot() / 3 + ratio / 9) - cost
    }

    /// Where ``share(every:)`` is highest: its derivative is zero where τ/M = 1 − e^(−(τ+δ)/M),
    /// which has one solution, between 0 and M.
    package var best: Double {
        var (low, high) = (0.0, mtbf)
        for _ in 0..<100 {
            let middle = (low + high) / 2
            let side = Analysis.exponential(-(middle + cost) / mtbf) - 1 + middle / mtbf
            if side < 0 { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }
}

/// `--checkpoint-every auto`: how long to wait until the next request, by what the run has shown.
///
/// Daly's formula (``GoodputModel/daly``) with the measured cost and the mean time between failures.
/// That is estimated as Bayes would: a Gamma distribution is what is thought of the failure rate
/// before any failure was seen, and with n failures in the time T its mean becomes
/// (a + n) / (a·E + T). To first order the expected loss depends on the mean of the rate alone, and
/// so the interval that is best for it is best for all that is known.
package struct AutoInterval: Equatable, Sendable {
    /// E: the mean time between failures that is expected before any was seen.
    package var expected: Duration

    /// a: how many failures that expectation is worth. A third of one, as in Kerman's neutral prior
    /// ("Neutral noninformative and informative conjugate beta and gamma prior distributions",
    /// 2011): with a whole one, a job that fails every half an hour is saved too seldom for a day.
    static let weight = 1.0 / 3

    /// In seconds.
    package static let bounds = 30.0...21_600.0
    /// The first request of an attempt, while the cost is not known: it is made to measure it.
    package static let first = Duration.seconds(30)
    /// The next ones, while none has been answered.
    package static let unmeasured = Duration.seconds(300)

    package init(expected: Duration = .seconds(86_400)) {
        self.expected = expected
    }

    /// In seconds.
    package func meanTimeBetweenFailures(_ experience: Experience) -> Double {
        let exposure = Self.weight * expected.seconds + max(0, experience.ran)
        return exposure / (Self.weight + Double(max(0, experience.failures)))
    }

    /// In seconds; nil where the cost is not known.
    package func seconds(_ experience: Experience) -> Double? {
        guard let cost = experience.cost, cost.isFinite else { return nil }
        let model = GoodputModel(
            cost: max(0, cost), mtbf: meanTimeBetweenFailures(experience))
        return min(max(model.daly, Self.bounds.lowerBound), Self.bounds.upperBound)
    }

    /// - Parameter wasAsked: the attempt has been asked for a checkpoint before.
    package func interval(_ experience: Experience, wasAsked: Bool) -> Duration {
        if let seconds = seconds(experience) { return .milliseconds(Int64(seconds * 1000)) }
        return wasAsked ? Self.unmeasured : Self.first
    }

    /// How long before a checkpoint is due it is asked for: as long as the job takes to look. A
    /// tenth of the interval, and a second, stay between a commit and the next request.
    package func lead(_ experience: Experience, interval: Duration) -> Duration {
        guard experience.cost != nil, let wait = experience.wait, wait.isFinite, wait > 0 else {
            return .zero
        }
        let most = max(.zero, interval - max(.seconds(1), interval / 10))
        return min(.milliseconds(Int64(min(wait, 1e9) * 1000)), most)
    }
}

extension Experience {
    /// So many tell what the slow ones cost.
    private static let mostRecent = 20

    /// The mean of the first few costs; later, one in which the newest has a fifth of the weight.
    ///
    /// - Parameters:
    ///   - whole: from the request until it was durable; nil where that is all of the cost.
    ///   - wait: from the request until the job began to save; nil where nobody asked.
    package mutating func measure(cost new: Double, whole: Double? = nil, wait: Double? = nil) {
        guard new.isFinite, new >= 0 else { return }
        measured += 1
        let weight = 1 / Double(min(measured, 5))
        let old = cost ?? new
        cost = old + (new - old) * weight
        recent = (recent + [whole ?? new]).suffix(Self.mostRecent)
        guard let wait, wait.isFinite else { return }
        let before = self.wait ?? wait
        self.wait = before + (wait - before) * weight
    }
}
