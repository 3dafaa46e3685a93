import SuperviseFormats

/// What becomes of the time by how often checkpoints are made: the best interval, and others beside
/// it. Times are in seconds, shares between 0 and 1.
package struct Forecast: Encodable, Equatable, Sendable {
    package let cost: Double
    package let mtbf: Double
    package let restart: Double
    /// The best of all.
    package private(set) var best: Row
    /// By Young's and by Daly's formula.
    package let young: Double
    package let daly: Double
    /// In order of their intervals; the best is among them.
    package private(set) var rows: [Row]
    /// The simulated share of ``AutoInterval`` in runs of a week; null where nothing is simulated.
    @Null package private(set) var automatic: Double?

    package struct Row: Encodable, Equatable, Sendable {
        package let interval: Double
        /// By the formula.
        package let useful: Double
        /// Spent on checkpoints.
        package let saving: Double
        /// Work done again, and restarts.
        package let failures: Double
        /// The useful share in runs that were simulated; null where none were.
        @Null package var simulated: Double?

        init(_ interval: Double, _ model: GoodputModel) {
            self.interval = interval
            useful = model.share(every: interval)
            saving = useful * model.cost / interval
            failures = max(0, 1 - useful - saving)
        }

        package enum CodingKeys: String, CodingKey {
            case useful, saving, failures, simulated
            case interval = "interval_s"
        }
    }

    package enum CodingKeys: String, CodingKey {
        case best
        case rows = "intervals"
        case cost = "cost_s"
        case mtbf = "mtbf_s"
        case restart = "restart_s"
        case young = "young_s"
        case daly = "daly_s"
        case automatic = "auto"
    }

    private static let minute = 60.0
    private static let hour = 3600.0
    private static let day = 86_400.0
    /// Intervals as a person would set them.
    private static let usual =
        [1, 2, 5, 10, 20, 30] + [1, 2, 5, 10, 20, 30].map { $0 * minute }
        + [1, 2, 4, 8, 12].map { $0 * hour } + [1, 2, 4, 7].map { $0 * day }

    package init(_ model: GoodputModel, simulates: Bool) {
        cost = model.cost
        mtbf = model.mtbf
        restart = model.restart
        young = model.young
        daly = model.daly
        let best = Row(model.best, model)
        // What differs from the best by more than this is out of the question, or is the best.
        let others = Self.usual.filter {
            let ratio = max($0, best.interval) / min($0, best.interval)
            return ratio > 1.01 && ratio < 32
        }
        rows = (others.map { Row($0, model) } + [best]).sorted { $0.interval < $1.interval }
        self.best = best
        if simulates { simulate(model) }
    }

    private static let runs = 300

    /// Each run is long enough for a hundred failures; all schedules have the same ones.
    private mutating func simulate(_ model: GoodputModel) {
        var random = SplitMix(seed: 1)
        var sums = rows.map { _ in 0.0 }
        var automatic = 0.0
        for _ in 0..<Self.runs {
            let long = SimulatedRun(model, length: 100 * model.mtbf, using: &random)
            for index in rows.indices { sums[index] += long.share(every: rows[index].interval) }
            let week = min(7 * Self.day, 10_000 * model.mtbf)
            automatic += SimulatedRun(model, length: week, using: &random).share(AutoInterval())
        }
        for index in rows.indices {
            rows[index].simulated = sums[index] / Double(Self.runs)
            if rows[index].interval == best.interval { best = rows[index] }
        }
        self.automatic = automatic / Double(Self.runs)
    }
}

/// A run with failures at random times, played to see how much of its time is useful.
///
/// The failures are there before the first decision, so that several schedules can be played with
/// the same ones. All times are in seconds.
package struct SimulatedRun: Sendable {
    private let model: GoodputModel
    private let length: Double
    /// In order; the last is beyond the end.
    private let failures: [Double]

    /// - Parameters:
    ///   - length: how long it lasts.
    ///   - random: gives the failures, exponential with the model's mean between them.
    package init(_ model: GoodputModel, length: Double, using random: inout SplitMix) {
        self.model = model
        self.length = length
        var times: [Double] = []
        var time = 0.0
        while time <= length {
            // More than 0, so that it has a logarithm.
            let share = (Double(random.next() >> 11) + 1) * 0x1p-53
            time -= model.mtbf * Analysis.logarithm(share)
            times.append(time)
        }
        failures = times
    }

    /// The share that is useful, with checkpoints so far apart.
    package func share(every interval: Double) -> Double {
        let cycle = interval + model.cost
        var saved = 0.0
        forEachAttempt { start, end in
            saved += ((end - start) / cycle).rounded(.down) * interval
        }
        return saved / length
    }

    /// The share that is useful where the policy chooses, with what it has seen until then.
    package func share(_ policy: AutoInterval) -> Double {
        var saved = 0.0
        var experience = Experience()
        var ranBefore = 0.0
        forEachAttempt { start, end in
            var time = start
            while true {
                experience.ran = ranBefore + (time - start)
                let wait = policy.seconds(experience) ?? AutoInterval.first.seconds
                time += wait + model.cost
                guard time <= end else { break }
                saved += wait
                experience.measure(cost: model.cost)
            }
            ranBefore += end - start
            experience.failures += 1
        }
        return saved / length
    }

    /// From when to when the job worked; a failure during a restart begins the restart anew.
    private func forEachAttempt(_ body: (_ start: Double, _ end: Double) -> Void) {
        var start = 0.0
        for failure in failures {
            if failure >= start { body(start, min(failure, length)) }
            start = failure + model.restart
            guard start < length else { return }
        }
    }
}
