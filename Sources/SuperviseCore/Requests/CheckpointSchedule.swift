import SuperviseFormats

/// When the next checkpoint is asked for, and what that goes by.
struct CheckpointSchedule: Sendable {
    /// How long before the next checkpoint is due it is asked for.
    private(set) var lead = Duration.zero
    private let every: Settings.CheckpointEvery
    private let policy: AutoInterval

    init(_ settings: Settings) {
        every = settings.checkpointEvery
        policy = settings.autoInterval
    }

    /// From now to the next checkpoint; nil where none is asked for.
    ///
    /// - Parameter wasAsked: the attempt was asked for one.
    func interval(_ experience: Experience, wasAsked: Bool) -> Duration? {
        switch every {
        case .off: nil
        case .every(let duration): duration
        case .auto: policy.interval(experience, wasAsked: wasAsked)
        }
    }

    /// The interval, also of a run that asks for no checkpoint by itself.
    func plannedInterval(_ experience: Experience) -> Duration {
        if case .every(let interval) = every { return interval }
        return policy.interval(experience, wasAsked: true)
    }

    /// Counts from now: after a commit, a failed or unanswered request, or the first hello.
    mutating func start(
        _ experience: Experience, wasAsked: Bool, at now: Moment, _ orders: inout Orders
    ) {
        guard let interval = interval(experience, wasAsked: wasAsked) else { return }
        lead = every == .auto ? policy.lead(experience, interval: interval) : .zero
        orders.set(.interval, after: interval - lead, at: now)
    }

    func status(_ experience: Experience, wasAsked: Bool) -> Status.Schedule {
        let mode: Status.Schedule.Mode =
            switch every {
            case .off: .off
            case .every: .fixed
            case .auto: .auto
            }
        return Status.Schedule(
            mode: mode, interval: interval(experience, wasAsked: wasAsked)?.seconds,
            experience: experience,
            meanTimeBetweenFailures: policy.meanTimeBetweenFailures(experience),
            expected: policy.expected.seconds)
    }
}
