import SuperviseFormats

/// What the options of a run say about its decisions.
package struct Settings: Equatable, Sendable {
    package var checkpointEvery = CheckpointEvery.auto
    /// What `auto` goes by.
    package var autoInterval = AutoInterval()
    /// For the job to begin a requested checkpoint, and for a final one to be durable.
    package var checkpointTimeout: Duration = .seconds(60)
    /// For the disk to take the last record, at an end that nobody asked to be quick.
    package var recordTimeout: Duration = .seconds(600)
    /// From `stop` and SIGTERM to SIGKILL.
    package var stopTimeout: Duration = .seconds(10)
    package var retention = RetentionRules()
    /// How many archived runs of the name stay, beside those with pins; from 0.
    package var keepArchived = 3
    /// Failures in a row without progress after which the run is given up; at least 1.
    package var maxFailures = 5
    /// An attempt that lived for so long is progress, in a run that shows no step and no checkpoint.
    package var healthyAfter: Duration = .seconds(600)
    /// Our exit status when the run is given up after failures; nil for the job's own.
    package var gaveUpExitCode: Int32?
    /// Failures in a row from one checkpoint after which the next older one is tried; at least 1.
    package var rollbackAfter = 2
    /// The wait after the first failure, and the longest.
    package var backoff: ClosedRange<Duration> = .seconds(1) ... .seconds(60)
    /// Which ends of the job are followed by another attempt.
    package var restart = Restart.onFailure
    /// Exit statuses of the job after which there is no other attempt.
    package var fatalExitCodes: Set<Int> = []
    package var resumeFrom = ResumeFrom.newest
    /// What the job writes by itself, and is to be taken up; relative to its directory.
    package var watch: [WatchPattern] = []
    /// How long nothing must happen in a directory before it is taken.
    package var watchSettle: Duration = .seconds(2)
    /// What must be in a directory before it is taken, each relative to it: any of these. Empty asks
    /// for nothing.
    package var watchComplete: [CompletionPattern] = []
    /// What becomes of it where the job wrote it.
    package var watchMode = AddMode.copy
    /// How a job is asked for a checkpoint that does not speak the protocol.
    package var requestSignal: RequestSignal?
    /// How deep a checkpoint is verified before the job goes on from it.
    package var verify = VerifyDepth.digest
    /// Checkpoints that are not needed soon are compressed by it; nil compresses none.
    package var compression: CompressionProgram?

    /// Without a sign of life for so long, the job hangs; nil never looks.
    package var heartbeatTimeout: Duration?
    /// Without a step forward for so long, the job hangs; nil never looks.
    package var progressTimeout: Duration?
    /// What looks at a job that hangs, before it is killed.
    package var onHang: ShellWords?
    /// For that to end.
    package var onHangTimeout: Duration = .seconds(30)

    /// Who is asked whether the machine is taken away.
    package var preempt: PreemptSource?
    /// Whether the source is told when all is saved, so that it need not wait.
    package var preemptAcknowledges = false
    /// Until the machine is gone, where a notice does not tell.
    package var preemptGrace: Duration = .seconds(30)
    /// The same, of maintenance of its host.
    package var maintenanceGrace: Duration = .seconds(60)

    /// From a commit to the next request.
    package enum CheckpointEvery: Equatable, Sendable {
        /// By what a checkpoint costs and how often the run fails.
        case auto
        case every(Duration)
        /// None is asked for.
        case off
    }

    package enum Restart: String, Equatable, Sendable, CaseIterable {
        case onFailure = "on-failure"
        /// Status 0 too: the run never completes.
        case always
        case never
    }

    /// Where the first attempt of this supervisor goes on from.
    package enum ResumeFrom: Equatable, Sendable {
        /// The newest good checkpoint, or the beginning where there never was one.
        case newest
        /// The beginning, whatever there is.
        case beginning
        case checkpoint(CheckpointID)
    }

    package struct RequestSignal: Equatable, Sendable {
        package var number: Int32
        /// Such as `SIGUSR1`.
        package var name: String

        package init(number: Int32, name: String) {
            self.number = number
            self.name = name
        }
    }

    package init() {}
}

/// A program that keeps us as a service, such as systemd, and wants to hear how we are.
package struct ServiceManager: Equatable, Sendable {
    /// Without a sign of life for so long it ends us; nil where it waits for none.
    package var watchdog: Duration?

    package init(watchdog: Duration? = nil) {
        self.watchdog = watchdog
    }
}

/// What a service manager is told; how we are doing it hears with each ``Action/publish(_:)``.
package enum ServiceNotice: Equatable, Sendable {
    /// We do our work from now on: the run is ours, and the options are good.
    case ready
    /// We are alive: our loop turns.
    case alive
    /// We are on our way to our end.
    case stopping
    /// That may take so long from now, whatever time it has for it.
    case extend(Duration)
}
