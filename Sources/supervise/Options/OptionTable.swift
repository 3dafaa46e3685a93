import SuperviseCore

/// Every option there is. Parsing, help, variables of the environment and the keys of a
/// configuration file are all made from it.
enum OptionTable {
    static let all: [OptionSpec] =
        identity + job + schedule + watching + retention + failures + hangs + preemption + output
        + messages
        + views + forecast

    /// The options of one command, in the order of its help.
    static func options(of command: Command) -> [OptionSpec] {
        all.filter { $0.commands.contains(command) }
    }

    private static let identity = [
        OptionSpec(
            "name", .name, of: [.run], .init(), inOptional: \.name,
            "The run's name; without it, one made from the command and its directory"),
        OptionSpec(
            "state-dir", .directory, of: Set(Command.allCases), [.environment, .recorded, .path],
            inOptional: \.stateDirectory,
            "Where runs are kept; without it the first of $SUPERVISE_STATE_DIR, $STATE_DIRECTORY, "
                + "$XDG_STATE_HOME/supervise and ~/.local/state/supervise"),
        OptionSpec(
            "checkpoint-dir", .directory, of: [.run], [.environment, .recorded, .path],
            inOptional: \.checkpointDirectory,
            "Keep the checkpoints here, perhaps on another disk; without it, with the run's state"),
        OptionSpec(
            "fresh", .flag, of: [.run], .environment, in: \.fresh,
            "Archive the run of that name, and begin anew"),
        OptionSpec(
            "resume-from", .checkpointOrNone, of: [.run], .environment,
            in: \.settings.resumeFrom,
            "Go on from this checkpoint instead of the newest good one; none begins at the start"),
        OptionSpec(
            "when-completed", .choice, of: [.run], standard: "again", in: \.whenCompleted,
            "Where the run has completed already: do it again, or exit with status 0"),
        OptionSpec(
            "config", .file, of: [.run], .environment, inOptional: \.config,
            "Read options from this file, a JSON object such as {\"keep-last\": 3}"),
        OptionSpec(
            "from", .checkpointNameOrNone, of: [.resume], .init(), inOptional: \.from,
            "Go on from this checkpoint instead of the newest good one; none begins at the start"),
    ]

    private static let schedule = [
        OptionSpec(
            "checkpoint-every", .durationAutoOrOff, of: [.run], standard: "auto",
            in: \.settings.checkpointEvery,
            "Ask the job for a checkpoint this long after its last one; auto finds the best "
                + "interval by what a checkpoint costs and how often the run fails"),
        OptionSpec(
            "checkpoint-timeout", .positiveDuration, of: [.run], standard: "60s",
            in: \.settings.checkpointTimeout,
            "How long the job has to begin a checkpoint, and to finish the final one"),
        OptionSpec(
            "checkpoint-signal", .signalOrNone, of: [.run], standard: "SIGUSR1",
            in: \.checkpointSignal,
            "The signal to supervise that asks for a checkpoint now"),
        OptionSpec(
            "keep-last", .count, of: [.run, .prune], standard: "5", pruning,
            in: \.settings.retention.keepLast,
            "Keep so many of the newest checkpoints"),
    ]

    /// For a run, and for once in its place.
    private static let pruning: OptionSpec.Traits = [.environmentOfRun, .recorded]

    private static let retention = [
        OptionSpec(
            "keep-best", .best, of: [.run, .prune], pruning,
            inOptional: \.settings.retention.keepBest,
            "Keep so many of those with the lowest or highest value of a metric, as in 3:loss:min"),
        OptionSpec(
            "keep-every", .count, of: [.run, .prune], pruning,
            inOptional: \.settings.retention.keepEvery,
            "Keep the first checkpoint at or after every multiple of so many steps"),
        OptionSpec(
            "keep-hourly", .count, of: [.run, .prune], pruning,
            inOptional: \.settings.retention.keepHourly,
            "Keep the newest of each of the last so many hours that have one"),
        OptionSpec(
            "keep-daily", .count, of: [.run, .prune], pruning,
            inOptional: \.settings.retention.keepDaily,
            "Keep the newest of each of the last so many days (UTC) that have one"),
        OptionSpec(
            "keep-weekly", .count, of: [.run, .prune], pruning,
            inOptional: \.settings.retention.keepWeekly,
            "Keep the newest of each of the last so many weeks (from Monday, UTC) that have one"),
        OptionSpec(
            "max-age", .positiveDuration, of: [.run, .prune], pruning,
            inOptional: \.settings.retention.maxAge,
            "Remove what is older than the newest by more than this, whatever keeps it"),
        OptionSpec(
            "max-bytes", .size, of: [.run, .prune], pruning,
            inOptional: \.settings.retention.maxBytes,
            "Remove the oldest until all have no more than this together, whatever keeps them"),
    ]

    private static let watching = [
        OptionSpec(
            "watch", .patterns, of: [.run], [.environment, .recorded, .repeatable],
            in: \.settings.watch,
            "Take up files, or directories, that the job writes by itself, once they are complete; "
                + "may be given several times"),
        OptionSpec(
            "watch-mode", .choice, of: [.run], standard: "copy", in: \.settings.watchMode,
            "What becomes of such a file where the job wrote it"),
        OptionSpec(
            "request-signal", .requestSignal, of: [.run], inOptional: \.settings.requestSignal,
            "The signal that asks a job for a checkpoint that does not speak the protocol"),
        OptionSpec(
            "resume-args", .resumeArguments, of: [.run],
            [.environment, .recorded, .mayBeginWithDashes], inOptional: \.resumeArguments,
            "Add this to the command where there is a checkpoint; {checkpoint}, {id} and {step} are "
                + "replaced"),
        OptionSpec(
            "compress", .compression, of: [.run], standard: "off", in: \.settings.compression,
            "Compress checkpoints that are not needed soon, by this program"),
        OptionSpec(
            "verify", .choice, of: [.run], standard: "digest", in: \.settings.verify,
            "What to compare before going on from a checkpoint: SHA-256, sizes only, or nothing"),
    ]

    private static let failures = [
        OptionSpec(
            "restart", .choice, of: [.run], standard: "on-failure", in: \.settings.restart,
            "When to start the job again: when it fails, always (also after status 0), or never"),
        OptionSpec(
            "fatal-exit-codes", .exitCodes, of: [.run], in: \.settings.fatalExitCodes,
            "Never start again after one of these exit statuses, such as 2,64-78"),
        OptionSpec(
            "max-failures", .count, of: [.run], standard: "5", in: \.settings.maxFailures,
            "Give up after this many failures in a row without progress"),
        OptionSpec(
            "rollback-after", .count, of: [.run], standard: "2", in: \.settings.rollbackAfter,
            "After this many failures in a row from one checkpoint, try the next older one"),
        OptionSpec(
            "backoff", .durations, of: [.run], standard: "1s..60s", in: \.settings.backoff,
            "The wait before starting again: after the first failure, and at most"),
        OptionSpec(
            "stop-timeout", .duration, of: [.run], standard: "10s", in: \.settings.stopTimeout,
            "How long the job has to end when it is stopped, before SIGKILL"),
        OptionSpec(
            "no-checkpoint", .flag, of: [.stop, .restart], .init(), in: \.skipsCheckpoint,
            "Without a final checkpoint"),
    ]

    private static let output = [
        OptionSpec(
            "capture", .flag, of: [.run], in: \.capture,
            "Keep what the job writes, for supervise logs, and pass it on"),
        OptionSpec(
            "capture-max", .captureSize, of: [.run], standard: "64MB", in: \.captureMax,
            "The size of one file of it; the oldest go when there is more than four times as much"),
        OptionSpec(
            "tty", .flag, of: [.run], in: \.tty,
            "Give the job a terminal of its own: programs then write line by line, and in colour"),
        OptionSpec(
            "follow", .flag, of: [.logs], .init(), in: \.follow,
            "Go on with what the job writes from now on, until the run has ended"),
        OptionSpec(
            "attempt", .count, of: [.logs], .init(), inOptional: \.attempt,
            "What this attempt wrote; without it, the newest"),
    ]

    private static let hangs = [
        OptionSpec(
            "heartbeat-timeout", .durationOrOff, of: [.run], standard: "off",
            in: \.settings.heartbeatTimeout,
            "A job that gives no sign of life for so long hangs, from its start on: it is looked at, "
                + "killed and started again"),
        OptionSpec(
            "progress-timeout", .durationOrOff, of: [.run], standard: "off",
            in: \.settings.progressTimeout,
            "A job that makes no step forward for so long hangs, whatever signs of life it gives"),
        OptionSpec(
            "on-hang", .command, of: [.run], inOptional: \.settings.onHang,
            "Before a job that hangs is killed, run this and keep what it writes; {pid} is the "
                + "job's pid, as in 'py-spy dump --pid {pid}'"),
        OptionSpec(
            "on-hang-timeout", .positiveDuration, of: [.run], standard: "30s",
            in: \.settings.onHangTimeout,
            "How long that may take"),
    ]

    private static let messages = [
        OptionSpec(
            "quiet", .flag, of: [.run], in: \.quiet,
            "Tell of failures and decisions only"),
        OptionSpec(
            "verbose", .flag, of: [.run, .status], in: \.verbose,
            "Tell of everything: each checkpoint too; in a status, why the next one is when it is"),
        OptionSpec(
            "log-format", .choice, of: [.run], standard: "text", in: \.logFormat,
            "How supervise writes its own messages, on standard error"),
    ]

    private static let forecast = [
        OptionSpec(
            "cost", .positiveDuration, of: [.plan], .init(), inOptional: \.cost,
            "What a checkpoint costs: how long the job does nothing else for it"),
        OptionSpec(
            "mtbf", .positiveDuration, of: [.plan], .init(), inOptional: \.mtbf,
            "The mean time between failures"),
        OptionSpec(
            "restart", .duration, of: [.plan], standard: "1m", .init(), in: \.restart,
            "From a failure until the job works again"),
        OptionSpec(
            "simulate", .flag, of: [.plan], .init(), in: \.simulates,
            "Also play many runs with random failures, always the same ones"),
    ]

    private static let views = [
        OptionSpec(
            "all", .flag, of: [.prune], .init(), in: \.all,
            "Prune every run"),
        OptionSpec(
            "dry-run", .flag, of: [.prune], .init(), in: \.dryRun,
            "Only show what would stay and what would go"),
        OptionSpec(
            "resumable", .flag, of: [.list], .init(), in: \.resumable,
            "Only runs that are not running and have not completed"),
        OptionSpec(
            "digests", .flag, of: [.doctor], .init(), in: \.readsAll,
            "Read every byte of every checkpoint too, and compare its SHA-256"),
        OptionSpec(
            "json", .flag, of: Command.withJSON, .init(), in: \.json,
            "Write JSON, for programs"),
    ]
}
