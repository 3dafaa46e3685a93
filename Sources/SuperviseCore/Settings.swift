import SuperviseFormats

/// What the options of a run say about its decisions.
package struct Settings: Equatable, Sendable {
    /// Between a commit and the next request; nil asks for none.
    package var checkpointEvery: Duration? = .seconds(300)
    /// For the job to begin a requested checkpoint, and for a final one to be durable.
    package var checkpointTimeout: Duration = .seconds(60)
    /// From `stop` and SIGTERM to SIGKILL.
    package var stopTimeout: Duration = .seconds(10)
    package var retention = RetentionRules()
    /// Failures in a row without progress after which the run is given up; at least 1.
    package var maxFailures = 5
    /// Failures in a row from one checkpoint after which the next older one is tried; at least 1.
    package var rollbackAfter = 2
    /// The wait after the first failure, and the longest.
    package var backoff: ClosedRange<Duration> = .seconds(1) ... .seconds(60)
    package var resumeFrom = ResumeFrom.newest

    /// Where the first attempt of this supervisor goes on from.
    package enum ResumeFrom: Equatable, Sendable {
        /// The newest good checkpoint, or the beginning where there never was one.
        case newest
        /// The beginning, whatever there is.
        case beginning
        case checkpoint(CheckpointID)
    }

    package init() {}
}
