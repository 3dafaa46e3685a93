import SuperviseFormats

/// Decides what counts as progress of a run: the only definition of it.
///
/// Failures count toward giving up only while there is none, and the backoff begins anew with it.
package struct ProgressRule: Equatable, Sendable {
    /// An attempt that lived for so long is progress, in a run that shows nothing else.
    package var healthyAfter: Duration
    /// So many ends of attempts in a row that are alike are no progress, however late they come.
    package var maxFailures: Int

    package init(healthyAfter: Duration, maxFailures: Int) {
        self.healthyAfter = healthyAfter
        self.maxFailures = maxFailures
    }

    /// The record is rewritten after each failure, and stays small.
    static let mostEnds = 1000

    /// The signs of progress that a run has shown.
    package enum Sign: Equatable, Sendable {
        /// A checkpoint is durable; its step, where the job gives steps.
        case committed(step: Int64?)
        /// The job reported a step.
        ///
        /// - Parameter base: where the attempt began; it counts until the run has reported a step.
        case reported(step: Int64, base: Int64)
        /// An attempt has ended after so long.
        case lived(Duration)
    }

    /// What the run has shown before.
    package struct History: Equatable, Sendable {
        /// How many checkpoints were ever committed.
        package var commits = 0
        /// The highest step of these.
        package var committedStep: Int64?
        /// The highest step that the job has ever reported.
        package var reportedStep: Int64?

        package init(commits: Int = 0, committedStep: Int64? = nil, reportedStep: Int64? = nil) {
            self.commits = commits
            self.committedStep = committedStep
            self.reportedStep = reportedStep
        }

        package init(_ record: RunRecord) {
            self.init(
                commits: record.commits, committedStep: record.bestStep,
                reportedStep: record.progress.reportedStep)
        }

        /// Neither a step nor a checkpoint: only how long attempts live tells anything.
        package var isSilent: Bool { commits == 0 && reportedStep == nil }
    }

    package func isProgress(_ sign: Sign, after history: History) -> Bool {
        switch sign {
        case .committed(let step?): history.committedStep.map { step > $0 } ?? true
        case .committed(nil): true
        case .reported(let step, let base): step > history.reportedStep ?? base
        case .lived(let time): history.isSilent && time >= healthyAfter
        }
    }

    /// Whether the last attempts of a run that shows nothing else all failed in the same way.
    package func failsTheSameEachTime(
        _ ends: RunRecord.SameEnds?, after history: History
    ) -> Bool {
        // One end alone shows no repetition.
        history.isSilent && (ends?.lived.count ?? 0) >= max(2, maxFailures)
    }

    /// Lifetimes below `healthyAfter` that differ by so much are alike: a job that fails at once takes
    /// 3 ms the one time and 30 ms the other.
    static let jitter = Duration.seconds(2)

    /// The ends in a row that are alike, with one more: the same status, and lifetimes that differ by
    /// at most a tenth of the longest, or by ``jitter``.
    ///
    /// As many are kept as are ever compared; with a `--max-failures` above ``mostEnds``, nobody is given
    /// up by them.
    package func ends(
        _ before: RunRecord.SameEnds?, then end: JobEnd, lived: Duration
    ) -> RunRecord.SameEnds {
        let newest = max(0, lived.seconds)
        var ends = RunRecord.SameEnds(exitCode: end.exitCode, signal: end.signal, lived: [newest])
        guard let before, before.exitCode == end.exitCode, before.signal == end.signal else {
            return ends
        }
        let most = min(max(2, maxFailures), Self.mostEnds)
        var (shortest, longest) = (newest, newest)
        for time in before.lived.reversed() where time.isFinite {
            shortest = min(shortest, time)
            longest = max(longest, time)
            guard isAlike(shortest, longest), ends.lived.count < most else { break }
            ends.lived.insert(time, at: 0)
        }
        return ends
    }

    /// Attempts that live long enough to be progress are only given up for a true repetition.
    private func isAlike(_ shortest: Double, _ longest: Double) -> Bool {
        let difference = longest - shortest
        if difference <= longest / 10 { return true }
        return longest < healthyAfter.seconds && difference <= Self.jitter.seconds
    }
}
