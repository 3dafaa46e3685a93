import SuperviseFormats

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
