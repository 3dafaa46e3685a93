import SuperviseFormats

/// When the next checkpoint is asked for, and what that goes by.
extension Supervisor {
    /// From now to the next checkpoint; nil where none is asked for.
    var interval: Duration? {
        switch settings.checkpointEvery {
        case .off: nil
        case .every(let duration): duration
        case .auto:
            settings.autoInterval.interval(
                record.experience, wasAsked: attempt?.wasAsked == true)
        }
    }

    var schedule: Status.Schedule {
        let mode: Status.Schedule.Mode =
            switch settings.checkpointEvery {
            case .off: .off
            case .every: .fixed
            case .auto: .auto
            }
        let policy = settings.autoInterval
        return Status.Schedule(
            mode: mode, interval: interval?.seconds, experience: record.experience,
            meanTimeBetweenFailures: policy.meanTimeBetweenFailures(record.experience),
            expected: policy.expected.seconds)
    }

    /// Counts from now: after a commit, a failed or unanswered request, or the first hello.
    mutating func startInterval(at now: Moment) {
        guard let interval, phase == .running, stop == nil,
            let attempt, attempt.request == nil, canAsk
        else { return }
        lead =
            settings.checkpointEvery == .auto
            ? settings.autoInterval.lead(record.experience, interval: interval) : .zero
        orders.set(.interval, after: interval - lead, at: now)
    }
}
