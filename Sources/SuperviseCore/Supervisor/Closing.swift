import SuperviseFormats

/// Our end, once it is decided: what it still waits for.
///
///     recording → flushing → (exit)     (there is a last record to make durable)
///     flushing → (exit)                 (what is recorded stays as it is)
package struct Closing: Equatable, Sendable {
    package enum Stage: Equatable, Sendable {
        /// The last record is on its way to the disk.
        case recording
        /// Status, events and output are passed on.
        case flushing
    }

    /// What a flush waits for.
    enum Part: Hashable, Sendable {
        /// Status and events.
        case files
        /// Readers of a pipe: as long as they live, they get all that the job wrote.
        case readers
        /// Other output of the job, and our own lines.
        case output
        /// The source of the notice has been told that all is saved.
        case acknowledgement
        /// Checkpoints that no rule keeps are gone.
        case removals
    }

    package internal(set) var stage: Stage
    /// How we exit when nothing is waited for any more.
    package internal(set) var ending: Action.Ending
    let outcome: Outcome?
    /// Why the run ended, where the outcome does not tell.
    let error: String?
    /// When this end was decided, or somebody asked to be quick.
    var since: Instant
    /// Somebody waits for our end: a stop or a preemption has its bound.
    package internal(set) var isQuick: Bool
    /// The signal that came during the wait for the disk: we end by it if the wait is in vain.
    var signal: Int32?
    /// False once the last record was given up.
    var isRecorded = true
    /// Writes of the last record that failed.
    var failures = 0
    /// Why the last one did.
    var failure: String?
    var waitsFor = AwaitedParts()
    /// Bytes of output that readers had taken when that was last asked for.
    var taken: Int64 = 0

    /// The run was stopped or preempted, which people read even if it is not recorded.
    var wasStopped: Bool {
        switch outcome?.kind {
        case .stopped, .preempted: true
        case .completed, .failed, nil: false
        }
    }
}

extension Closing {
    /// For the last record of a quick end.
    static let quickRecord = Duration.milliseconds(750)
    /// For all of a quick end; with that before it, a stop is over in its 2 s.
    static let quick = Duration.milliseconds(900)
    /// For each part of a flush that nobody is waiting for; output that moves gets it again.
    static let patient = Duration.seconds(10)
    /// Until people are first told what is waited for, and between two reminders.
    static let (reminder, reminders) = (Duration.seconds(2), Duration.seconds(60))
    /// Between two attempts to write the last record.
    static let retries = Duration.milliseconds(200) ... .seconds(30)
}
