import SuperviseCore
import SuperviseFormats
import SuperviseHost

/// The values of all options, with what holds where an option is not given.
struct OptionValues: Sendable {
    var settings = Settings()
    var name: RunName?
    var stateDirectory: String?
    var checkpointDirectory: String?
    var adopt = false
    /// Where the job runs; nil for where we were called.
    var directory: String?
    var job = JobSettings()
    var passesSockets = false
    /// Variables that are recorded beside the standard ones.
    var keptVariables: [String] = []
    var fresh = false
    var whenCompleted = RunRequest.WhenCompleted.again
    var requiresState = false
    var config: String?
    var resumeArguments: ResumeArguments?
    var checkpointSignal: Int32? = freeSignal("SIGUSR1")
    var onHangUser = RunRequest.OnHangUser.supervisor
    var preempt: PreemptKind?
    var preemptSignal: Int32? = freeSignal("SIGUSR2")
    var preemptedExitCode: Int32 = 75
    var output = OutputPlan.Mode.auto
    var capture = false
    var captureMax: Int64 = 64_000_000
    var tty = false
    var quiet = false
    var verbose = false
    var logFormat = RunRequest.LogFormat.text

    var follow = false
    var attempt: Int?
    var json = false
    var check: HealthCheck?
    var resumable = false
    var archived = false
    var readsAll = false
    var skipsCheckpoint = false
    var all = false
    var dryRun = false
    var mustBeMounted = false
    /// As it was written: an id, a number, or none.
    var from: String?

    var cost: Duration?
    var mtbf: Duration?
    var restart = Duration.seconds(60)
    var simulates = false
}
