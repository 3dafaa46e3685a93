import SuperviseCore
import SuperviseHost
import SuperviseSystem

/// Every option there is. Parsing, help, variables of the environment and the keys of a
/// configuration file are all made from it.
enum OptionTable {
    static let all: [OptionSpec] =
        identity + state + job + schedule + watching + retention + failures + hangs + preemption
        + output
        + messages
        + views + forecast

    /// The options of one command, in the order of its help.
    static func options(of command: Command) -> [OptionSpec] {
        all.filter { $0.commands.contains(command) }
    }

    private static let identity = [
        OptionSpec(
            "name", .name, of: [.run], .init(), in: { $0.name = $1 },
            "The run's name; without it, one made from the command and its directory"),
        OptionSpec(
            "state-dir", .directory, of: Command.allCases, [.environment, .recorded, .path],
            in: { $0.stateDirectory = $1 },
            "Where runs are kept; without it the first of $SUPERVISE_STATE_DIR, $STATE_DIRECTORY, "
                + "$XDG_STATE_HOME/supervise and ~/.local/state/supervise"),
        OptionSpec(
            "checkpoint-dir", .directory, of: [.run, .initialise],
            [.environment, .recorded, .path],
            in: { $0.checkpointDirectory = $1 },
            "Keep the checkpoints here, perhaps on another disk; without it, with the run's state"),
        OptionSpec(
            "fresh", .flag, of: [.run], .oneStart, in: { $0.fresh = $1 },
            "Archive the run of that name, and begin anew"),
        OptionSpec(
            "adopt", .flag, of: [.run], .oneStart, in: { $0.adopt = $1 },
            "Go on with the run of that name even if it is one of another program or directory"),
        OptionSpec(
            "resume-from", .checkpointOrNone, of: [.run], .oneStart,
            in: { $0.settings.resumeFrom = $1 },
            "Go on from this checkpoint instead of the newest good one; none begins at the start"),
        OptionSpec(
            "when-completed", .choice, of: [.run], standard: "again", in: { $0.whenCompleted = $1 },
            "Where the run has completed already: do it again, or exit with status 0"),
        OptionSpec(
            "config", .file, of: [.run], .environment, in: { $0.config = $1 },
            "Read options from this file, a JSON object such as {\"keep-last\": 3}"),
        OptionSpec(
            "from", .checkpointNameOrNone, of: [.resume], .init(), in: { $0.from = $1 },
            "Go on from this checkpoint instead of the newest good one; none begins at the start"),
    ]

    private static let schedule = [
        OptionSpec(
            "checkpoint-every", .durationAutoOrOff, of: [.run], standard: "auto",
            in: { $0.settings.checkpointEvery = $1 },
            "Ask the job for a checkpoint this long after its last one; auto finds the best "
                + "interval by what a checkpoint costs and how often the run fails"),
        OptionSpec(
            "checkpoint-timeout", .positiveDuration, of: [.run], standard: "60s",
            in: { $0.settings.checkpointTimeout = $1 },
            "How long the job has to begin a checkpoint, and to finish the final one"),
        OptionSpec(
            "checkpoint-signal", .signalOrNone, of: [.run], standard: "SIGUSR1",
            in: { $0.checkpointSignal = $1 },
            "The signal to supervise that asks for a checkpoint now"),
        OptionSpec(
            "keep-last", .count, of: [.run, .prune], standard: "5", pruning,
            in: { $0.settings.retention.keepLast = $1 },
            "Keep so many of the newest checkpoints"),
    ]

    /// For a run, and for once in its place.
    private static let pruning: OptionSpec.Traits = [.environmentOfRun, .recorded]

    private static let retention = [
        OptionSpec(
            "keep-best", .best, of: [.run, .prune], pruning,
            in: { $0.settings.retention.keepBest = $1 },
            "Keep so many of those with the lowest or highest value of a metric, as in 3:loss:min"),
        OptionSpec(
            "keep-every", .count, of: [.run, .prune], pruning,
            in: { $0.settings.retention.keepEvery = $1 },
            "Keep the first checkpoint at or after every multiple of so many steps"),
        OptionSpec(
            "keep-hourly", .count, of: [.run, .prune], pruning,
            in: { $0.settings.retention.keepHourly = $1 },
            "Keep the newest of each of the last so many hours that have one"),
        OptionSpec(
            "keep-daily", .count, of: [.run, .prune], pruning,
            in: { $0.settings.retention.keepDaily = $1 },
            "Keep the newest of each of the last so many days (UTC) that have one"),
        OptionSpec(
            "keep-weekly", .count, of: [.run, .prune], pruning,
            in: { $0.settings.retention.keepWeekly = $1 },
            "Keep the newest of each of the last so many weeks (from Monday, UTC) that have one"),
        OptionSpec(
            "keep-archived", .countFromZero, of: [.run], standard: "3",
            in: { $0.settings.keepArchived = $1 },
            "Keep so many runs of this name in the archive, beside those with pinned checkpoints"),
        OptionSpec(
            "max-age", .positiveDuration, of: [.run, .prune], pruning,
            in: { $0.settings.retention.maxAge = $1 },
            "Remove what is older than the newest by more than this, whatever keeps it"),
        OptionSpec(
            "max-bytes", .size, of: [.run, .prune], pruning,
            in: { $0.settings.retention.maxBytes = $1 },
            "Remove the oldest until all have no more than this together, whatever keeps them"),
    ]

    private static let watching = [
        OptionSpec(
            "watch", .patterns, of: [.run], [.environment, .recorded, .repeatable],
            in: { $0.settings.watch = $1 },
            "Take up files, or directories, that the job writes by itself, once they are complete; "
                + "may be given several times"),
        OptionSpec(
            "watch-settle", .duration, of: [.run], standard: "2s",
            in: { $0.settings.watchSettle = $1 },
            "How long nothing must happen in a directory before it is taken"),
        OptionSpec(
            "watch-complete", .completionPatterns, of: [.run],
            [.environment, .recorded, .repeatable], in: { $0.settings.watchComplete = $1 },
            "Take a directory only once something in it fits this, such as .metadata; may be given "
                + "several times, and any of them will do"),
        OptionSpec(
            "watch-mode", .choice, of: [.run], standard: "copy", in: { $0.settings.watchMode = $1 },
            "What becomes of such a file where the job wrote it"),
        OptionSpec(
            "request-signal", .requestSignal, of: [.run], in: { $0.settings.requestSignal = $1 },
            "The signal that asks a job for a checkpoint that does not speak the protocol"),
        OptionSpec(
            "resume-args", .resumeArguments, of: [.run],
            [.environment, .recorded, .mayBeginWithDashes], in: { $0.resumeArguments = $1 },
            "Add this to the command where there is a checkpoint; {checkpoint}, {id} and {step} are "
                + "replaced"),
        OptionSpec(
            "compress", .compression, of: [.run], standard: "off",
            in: { $0.settings.compression = $1 },
            "Compress checkpoints that are not needed soon, by this program"),
        OptionSpec(
            "verify", .choice, of: [.run], standard: "digest", in: { $0.settings.verify = $1 },
            "What to compare before going on from a checkpoint: SHA-256, sizes only, or nothing"),
    ]

    private static let failures = [
        OptionSpec(
            "restart", .choice, of: [.run], standard: "on-failure",
            in: { $0.settings.restart = $1 },
            "When to start the job again: when it fails, always (also after status 0), or never"),
        OptionSpec(
            "fatal-exit-codes", .exitCodes, of: [.run], in: { $0.settings.fatalExitCodes = $1 },
            "Never start again after one of these exit statuses, such as 2,64-78"),
        OptionSpec(
            "max-failures", .count, of: [.run], standard: "5", in: { $0.settings.maxFailures = $1 },
            "Give up after this many failures in a row without progress"),
        OptionSpec(
            "healthy-after", .positiveDuration, of: [.run], standard: "10m",
            in: { $0.settings.healthyAfter = $1 },
            "An attempt that lived for so long is progress, where the job shows neither steps nor "
                + "checkpoints; not if --max-failures attempts fail the same way"),
        OptionSpec(
            "gave-up-exit-code", .failureCode, of: [.run],
            in: { $0.settings.gaveUpExitCode = $1 },
            "The exit status when the run is given up after failures without progress, or by the "
                + "job; without it, the job's own"),
        OptionSpec(
            "rollback-after", .count, of: [.run], standard: "2",
            in: { $0.settings.rollbackAfter = $1 },
            "After this many failures in a row from one checkpoint, try the next older one"),
        OptionSpec(
            "backoff", .durations, of: [.run], standard: "1s..60s",
            in: { $0.settings.backoff = $1 },
            "The wait before starting again: after the first failure, and at most"),
        OptionSpec(
            "stop-timeout", .duration, of: [.run], standard: "10s",
            in: { $0.settings.stopTimeout = $1 },
            "How long the job has to end when it is stopped, before SIGKILL"),
        OptionSpec(
            "no-checkpoint", .flag, of: [.stop, .restart], .init(), in: { $0.skipsCheckpoint = $1 },
            "Without a final checkpoint"),
    ]

    private static let output = [
        OptionSpec(
            "output", .choice, of: [.run], standard: "auto", in: { $0.output = $1 },
            "What becomes of the job's output: auto passes a pipe's through supervise, pass passes "
                + "all, inherit leaves it alone, keep is --capture"),
        OptionSpec(
            "capture", .flag, of: [.run], in: { $0.capture = $1 },
            "Keep what the job writes, for supervise logs, and pass it on"),
        OptionSpec(
            "capture-max", .captureSize, of: [.run], standard: "64MB", in: { $0.captureMax = $1 },
            "The size of one file of it; the oldest go when there is more than four times as much"),
        OptionSpec(
            "tty", .flag, of: [.run], in: { $0.tty = $1 },
            "Give the job a terminal of its own: programs then write line by line, and in colour"),
        OptionSpec(
            "follow", .flag, of: [.logs], .init(), in: { $0.follow = $1 },
            "Go on with what the job writes from now on, until the run has ended"),
        OptionSpec(
            "attempt", .count, of: [.logs], .init(), in: { $0.attempt = $1 },
            "What this attempt wrote; without it, the newest"),
    ]

    private static let hangs = [
        OptionSpec(
            "heartbeat-timeout", .durationOrOff, of: [.run], standard: "off",
            in: { $0.settings.heartbeatTimeout = $1 },
            "A job that gives no sign of life for so long hangs, from its start on: it is looked at, "
                + "killed and started again"),
        OptionSpec(
            "progress-timeout", .durationOrOff, of: [.run], standard: "off",
            in: { $0.settings.progressTimeout = $1 },
            "A job that makes no step forward for so long hangs, whatever signs of life it gives"),
        OptionSpec(
            "on-hang", .command, of: [.run], [.environment, .recorded, .program],
            in: { $0.settings.onHang = $1 },
            "Before a job that hangs is killed, run this and keep what it writes; {pid} is the "
                + "job's pid, as in 'py-spy dump --pid {pid}'"),
        OptionSpec(
            "on-hang-user", .choice, of: [.run], standard: "supervisor",
            in: { $0.onHangUser = $1 },
            "As whom that runs: as supervise itself, in /, or as the job's user, in the job's "
                + "directory"),
        OptionSpec(
            "on-hang-timeout", .positiveDuration, of: [.run], standard: "30s",
            in: { $0.settings.onHangTimeout = $1 },
            "How long that may take"),
    ]

    private static let messages = [
        OptionSpec(
            "quiet", .flag, of: [.run], in: { $0.quiet = $1 },
            "Tell of failures and decisions only"),
        OptionSpec(
            "verbose", .flag, of: [.run, .status], in: { $0.verbose = $1 },
            "Tell of everything: each checkpoint too; in a status, why the next one is when it is"),
        OptionSpec(
            "log-format", .choice, of: [.run], standard: "text", in: { $0.logFormat = $1 },
            "How supervise writes its own messages, on standard error"),
    ]

    private static let forecast = [
        OptionSpec(
            "cost", .positiveDuration, of: [.plan], .init(), in: { $0.cost = $1 },
            "What a checkpoint costs: how long the job does nothing else for it"),
        OptionSpec(
            "mtbf", .positiveDuration, of: [.plan], .init(), in: { $0.mtbf = $1 },
            "The mean time between failures"),
        OptionSpec(
            "restart", .duration, of: [.plan], standard: "1m", .init(), in: { $0.restart = $1 },
            "From a failure until the job works again"),
        OptionSpec(
            "simulate", .flag, of: [.plan], .init(), in: { $0.simulates = $1 },
            "Also play many runs with random failures, always the same ones"),
    ]

    private static let views = [
        OptionSpec(
            "check", .choice, of: [.status], .init(), in: { $0.check = $1 },
            "Ask the supervisor, and tell by the exit status: 0 where it answers, or where its job runs "
                + "too, else 1"),
        OptionSpec(
            "all", .flag, of: [.prune, .settle], .init(), in: { $0.all = $1 },
            "Every run, in place of one"),
        OptionSpec(
            "dry-run", .flag, of: [.prune], .init(), in: { $0.dryRun = $1 },
            "Only show what would stay and what would go"),
        OptionSpec(
            "resumable", .flag, of: [.list], .init(), in: { $0.resumable = $1 },
            "Only runs that are not running and have not completed"),
        OptionSpec(
            "archived", .flag, of: [.list], .init(), in: { $0.archived = $1 },
            "The runs in the archive instead, as NAME@TIME"),
        OptionSpec(
            "digests", .flag, of: [.doctor], .init(), in: { $0.readsAll = $1 },
            "Read every byte of every checkpoint too, and compare its SHA-256"),
        OptionSpec(
            "json", .flag, of: Command.withJSON, .init(), in: { $0.json = $1 },
            "Write JSON, for programs"),
    ]
}

/// Where and as what the job runs.
extension OptionTable {
    static let job = [
        OptionSpec(
            "chdir", .directory, of: [.run], [.environment, .recorded, .path],
            in: { $0.directory = $1 },
            "Run the command in this directory; it is the run's directory in all respects"),
        OptionSpec(
            "env", .variables, of: [.run], [.environment, .recorded, .repeatable],
            in: { $0.job.environment = $1 },
            "Set a variable of the job's environment; may be given several times"),
        OptionSpec(
            "keep-env", .variableNames, of: [.run], in: { $0.keptVariables = $1 },
            "Also record these variables of the environment, beside PATH and the like, so that "
                + "supervise resume gives them to the job again"),
        OptionSpec(
            "umask", .mask, of: [.run], in: { $0.job.process.mask = $1 },
            "Permissions that the job's new files do not get, in octal"),
        OptionSpec(
            "nice", .niceness, of: [.run], in: { $0.job.process.niceness = $1 },
            "The job's niceness: 19 gives way to everybody"),
        OptionSpec(
            "rlimit", .limits, of: [.run], [.environment, .recorded, .repeatable],
            in: { $0.job.process.limits = $1 },
            "A limit of the job, as ulimit has them; may be given several times"),
        OptionSpec(
            "user", .user, of: [.run], in: { $0.job.user = $1 },
            "Run the job as this user, with its groups and HOME; for root only"),
        OptionSpec(
            "pass-listen", .flag, of: [.run], in: { $0.passesSockets = $1 },
            "Give the job the sockets that a service manager gave, and the LISTEN_ variables that tell "
                + "of them; without it the job gets neither"),
    ]
}

/// Machines that are taken away.
extension OptionTable {
    static let preemption = [
        OptionSpec(
            "preempt", .preemptSource, of: [.run], [.environment, .recorded, .program],
            in: { $0.preempt = $1 },
            "Ask whether this machine is about to be taken away: its cloud, or any program that "
                + "writes a line such as {\"deadline_s\": 120} when it is time"),
        OptionSpec(
            "preempt-signal", .signalOrNone, of: [.run], standard: "SIGUSR2",
            in: { $0.preemptSignal = $1 },
            "The signal to supervise that says so, too"),
        OptionSpec(
            "preempt-grace", .graces, of: [.run], standard: "preempted=30s,maintenance=1m",
            in: { $1.apply(to: &$0.settings) },
            "How long the machine is there from a notice on that does not tell: for all, or for each "
                + "kind, as in maintenance=1h,preempted=30s"),
        OptionSpec(
            "preempt-ack", .flag, of: [.run], in: { $0.settings.preemptAcknowledges = $1 },
            "Tell Azure when all is saved, so that it need not wait"),
        OptionSpec(
            "preempted-exit-code", .exitCode, of: [.run], standard: "75",
            in: { $0.preemptedExitCode = $1 },
            "The exit status when the machine was taken away"),
    ]
}

/// State that has to be there, as on a disk of its own.
extension OptionTable {
    static let state = [
        OptionSpec(
            "require-state", .flag, of: [.run], .environment, in: { $0.requiresState = $1 },
            "Begin nothing where the run's directory is not there, as its disk may not be mounted: wait "
                + "for it up to 60 s, then end with status 125; supervise init makes it once"),
        OptionSpec(
            "mounted", .flag, of: [.initialise], .init(), in: { $0.mustBeMounted = $1 },
            "Only on a file system of its own: one that is mounted anywhere but on /"),
    ]
}
