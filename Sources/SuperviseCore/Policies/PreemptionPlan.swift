import SuperviseFormats

/// What is done with the time that is left before the machine is taken away.
///
/// The job goes on for as long as a final checkpoint asked for afterwards is safe to be durable in
/// time; then it is stopped, and what it started is gone before the machine is.
package struct PreemptionPlan: Equatable, Sendable {
    /// From the notice on, until the machine is gone.
    package var left: Duration
    /// How long checkpoints took so far, in seconds, from the request until they were durable: the
    /// wait until the job looks is part of it.
    package var costs: [Double]
    /// Of one step of the job, in seconds; nil where it tells of none.
    package var step: Double?
    /// Whether the job can be asked for a checkpoint.
    package var canAsk: Bool
    /// For a job to end that is told to.
    package var stopTimeout: Duration
    /// Between the end of a final checkpoint's time and that of the machine.
    package var reserve: Duration
    package var first: FirstCheckpoint

    /// A checkpoint that is asked for when the notice comes, and is not the last.
    package enum FirstCheckpoint: Equatable, Sendable {
        case notAsked
        /// Since so long.
        case underWay(Duration)
        case over
    }

    /// SIGKILL is out so long before the machine is gone.
    package static let margin = Duration.milliseconds(500)
    /// Of several costs this is safe; of a few of them, it is safer to expect more.
    private static let manyCosts = 5
    private static let factors = (few: 3.0, many: 2.0)
    /// A machine on its way down is slower than it was; and a job can be in the middle of a step.
    private static let more = Duration.seconds(2)
    /// Of a job that does not tell, in seconds.
    private static let unknownStep = 5.0
    /// With more time than this, one checkpoint is made to learn what the next one takes.
    private static let worthMeasuring = Duration.seconds(60)
    /// With more time than this, there is a checkpoint at once and another one late.
    private static let worthTwo = Duration.seconds(300)

    package enum Step: Equatable, Sendable {
        /// The job goes on for so long.
        case goOn(Duration)
        /// A checkpoint is asked for, and the job goes on.
        case ask
        /// A final checkpoint is asked for.
        case save
        /// No checkpoint would be ready in time.
        case stop
    }

    package init(
        left: Duration, costs: [Double], step: Double?, canAsk: Bool, stopTimeout: Duration,
        reserve: Duration, first: FirstCheckpoint = .over
    ) {
        self.first = first
        self.left = left
        // A record can hold anything.
        self.costs = costs.filter { (0...1e6).contains($0) }
        self.step = step.map { min($0, 1e6) }
        self.canAsk = canAsk
        self.stopTimeout = stopTimeout
        self.reserve = reserve
    }

    /// A tenth of the time at the notice, within bounds: for the job and for us to end in.
    package static func reserve(ofNotice left: Duration) -> Duration {
        min(max(left / 10, .seconds(1)), .seconds(5))
    }

    package var next: Step {
        guard canAsk else { return waits(for: left - Self.margin - stopTimeout) ?? .stop }
        let time = left - reserve
        // One that takes longer than half of the quickest is certain.
        let least = (costs.min() ?? 0) / 2
        guard time.seconds > least else { return .stop }
        guard let cost = safeCost else { return withoutCosts(time) }
        guard let wait = waits(for: time - cost) else { return .save }
        return first == .notAsked && Self.isLong(left) ? .ask : wait
    }

    /// While no job runs that could be asked: with much time, the next attempt may still come.
    package var nextWithoutJob: Step {
        Self.isLong(left) ? waits(for: left - Self.worthTwo) ?? .stop : .stop
    }

    /// Whether there is time for more than the last checkpoint.
    package static func isLong(_ left: Duration) -> Bool { left > worthTwo }

    /// Nobody knows what a checkpoint takes: the first one tells.
    private func withoutCosts(_ time: Duration) -> Step {
        switch first {
        case .notAsked: return left > Self.worthMeasuring ? .ask : .save
        // It failed, or could not be asked for; with much time the job may still save by itself.
        case .over:
            return Self.isLong(left) ? waits(for: left - Self.worthMeasuring) ?? .save : .save
        case .underWay(let taken):
            // It takes at least as long as it has taken, and the next one is safe with three times that.
            let spare = time.seconds - Self.factors.few * taken.seconds - stepOrMore.seconds
            let wait = Duration.seconds(spare / (1 + Self.factors.few))
            return wait > .milliseconds(1) ? .goOn(wait) : .save
        }
    }

    /// What goes by before the job begins to save.
    private var stepOrMore: Duration { max(Self.more, .seconds(step ?? Self.unknownStep)) }

    /// The 95th percentile (nearest rank) with a factor over it; nil where nothing is known. Those
    /// that the job made by itself did not wait for the end of a step.
    private var safeCost: Duration? {
        let sorted = costs.sorted()
        guard !sorted.isEmpty else { return nil }
        let rank = (sorted.count * 95 + 99) / 100
        let factor = sorted.count < Self.manyCosts ? Self.factors.few : Self.factors.many
        return .seconds(sorted[rank - 1] * factor) + stepOrMore
    }

    /// There has to be time for another step, and enough of it for a timer.
    private func waits(for time: Duration) -> Step? {
        time > .milliseconds(1) && time.seconds >= (step ?? 0) ? .goOn(time) : nil
    }
}
