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
