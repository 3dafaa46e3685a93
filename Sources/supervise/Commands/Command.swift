/// What `supervise` can be told to do.
enum Command: String, CaseIterable, Sendable {
    case run, status, list, checkpoints, checkpoint, prune, stop, restart, pause, unpause, resume
    case events, logs, settle, plan, doctor
    case initialise = "init"

    /// Those that can answer in JSON.
    static let withJSON = allCases.filter { ![.run, .resume, .logs].contains($0) }

    /// Those that take a run in the archive, as `NAME@TIME`.
    static let withArchives: [Command] = [.status, .checkpoints, .events, .logs, .doctor]

    /// One line without its full stop, for the list of commands.
    var summary: String {
        switch self {
        case .run: "Run a command, keep it alive, and go on from its checkpoints"
        case .status: "Show how a run is going"
        case .list: "List the runs"
        case .checkpoints: "List, verify, pin, delete or export checkpoints"
        case .checkpoint: "Ask for a checkpoint now, and wait until it is safe"
        case .prune: "Remove the checkpoints that no rule keeps"
        case .stop: "Stop a run after a final checkpoint, and wait until it has ended"
        case .restart: "Start a run's job again after a final checkpoint"
        case .pause: "Stop a run's job where it is, until it is unpaused"
        case .unpause: "Let a paused job go on"
        case .resume: "Go on with a run: the same command, directory and options"
        case .events: "Show what happened in a run"
        case .logs: "Show what the job wrote, where --capture keeps it"
        case .settle: "Write down the end of runs whose supervisor is gone"
        case .initialise: "Make the directory of a new run, for a start with --require-state"
        case .plan: "Find the best interval between checkpoints"
        case .doctor: "Check the machine and what is kept of runs, and say what to do"
        }
    }

    /// The ways to call it, each on a line.
    var synopsis: [String] {
        switch self {
        case .run: ["supervise [run] [OPTION…] -- COMMAND [ARGUMENT…]"]
        case .status: ["supervise status [NAME]"]
        case .list: ["supervise list"]
        case .checkpoints:
            [
                "supervise checkpoints [NAME] [list]",
                "supervise checkpoints [NAME] show [ID]",
                "supervise checkpoints [NAME] verify [ID]",
                "supervise checkpoints [NAME] path [ID]",
                "supervise checkpoints [NAME] stats",
                "supervise checkpoints [NAME] pin [ID]",
                "supervise checkpoints [NAME] unpin ID",
                "supervise checkpoints [NAME] delete ID",
                "supervise checkpoints [NAME] export ID DEST",
            ]
        case .checkpoint: ["supervise checkpoint [NAME]"]
        case .prune: ["supervise prune [NAME] [RULE…]", "supervise prune --all [RULE…]"]
        case .stop: ["supervise stop [NAME]"]
        case .restart: ["supervise restart [NAME]"]
        case .pause: ["supervise pause [NAME]"]
        case .unpause: ["supervise unpause [NAME]"]
        case .resume: ["supervise resume NAME"]
        case .settle: ["supervise settle [NAME]", "supervise settle --all"]
        case .initialise: ["supervise init NAME [--mounted]"]
        case .plan: ["supervise plan --cost DURATION --mtbf DURATION"]
        case .events: ["supervise events [NAME]"]
        case .logs: ["supervise logs [NAME]"]
        case .doctor: ["supervise doctor [NAME]"]
        }
    }

    /// What else is to be known, in whole sentences.
    var details: [String] {
        switch self {
        case .run:
            [
                "Runs COMMAND and asks it for checkpoints over the socket in $SUPERVISE_SOCKET. "
                    + "After a crash it is started again from the newest good one. The same command "
                    + "in the same directory is the same run: to go on with it later, run it again.",
                "Every option but --name may also be set by a variable of the environment, such as "
                    + "SUPERVISE_KEEP_LAST=3, and every one but --config in the file of --config. "
                    + "The command line wins over the environment, and that over the file. --fresh "
                    + "and --resume-from hold for one start, and only the command line may give "
                    + "them.",
                Self.whatIsADuration,
                "SIZE is a number with its unit: 500kB, 10MB, 5G (powers of 1000) or 5GiB (of 1024).",
                "Exit status: the command's own (128 + n where signal n ended it); 125 where "
                    + "supervise itself could not, 126 and 127 where the command cannot be executed "
                    + "or found. Stopped by SIGINT, SIGTERM or SIGHUP, it dies by the same signal.",
            ]
        case .checkpoints:
            [
                "ID is a checkpoint's id or its number; without it, show, path and pin take the "
                    + "newest and verify takes all. verify reads every byte, compares the SHA-256, "
                    + "and exits with status 1 where one is bad. path prints where the payload is.",
                "A pinned checkpoint stays until it is unpinned, whatever the rules, the limits or "
                    + "a full disk say. delete refuses that one, the newest good one, the one that "
                    + "the job resumed from, and one that is being read. export copies the payload "
                    + "to DEST, which must not exist, and verifies the copy.",
                Self.whichRun,
            ]
        case .prune:
            [
                "The rules are the options that the run was started with: a checkpoint that any "
                    + "of them keeps stays, and then --max-age and --max-bytes remove the oldest. "
                    + "The newest good one, pinned ones, the one that the job resumed from and "
                    + "those that are being read stay in any case. This happens by itself after "
                    + "each commit.",
                "Rules that are given here stand in the place of those of the run, this once.",
                Self.whichRun,
            ]
        case .resume:
            [
                "Options are those of the run, as they were given for it. So are the program and the "
                    + "variables that say which one is found: PATH, VIRTUAL_ENV, CONDA_PREFIX, "
                    + "PYTHONPATH, LD_LIBRARY_PATH, CUDA_VISIBLE_DEVICES, the locale, and those of "
                    + "--keep-env. Other variables are the caller's.",
                "With --from, checkpoints that came later stay. The number decides what is newest: "
                    + "once the run has committed again, a later resume without --from goes on "
                    + "from that; before, from the newest there was.",
            ]
        case .settle:
            [
                "A run whose supervisor was killed, or whose machine went down, is lost: status.json "
                    + "says running for as long as nobody settles it. The guard does that at once "
                    + "where it lives; where it died too, this command ends what is left of the run "
                    + "and writes phase finished, outcome failed, reason supervisor_lost.",
                "The run stays resumable, and its failures are counted by the next start. A run that "
                    + "is in use, or that was last at work on another host, is left alone.",
                Self.whichRun,
            ]
        case .initialise:
            [
                "Makes an empty directory for the run, durably, where run finds it: give both the same "
                    + "--state-dir and --checkpoint-dir. A start with --require-state begins there, and "
                    + "nowhere else, so that a disk that is not mounted never looks like a new run.",
                "With --mounted, nothing is made on /: the lowest directory that is there on the way "
                    + "to the state, and to the checkpoints, has to be on a file system that "
                    + "/proc/self/mountinfo shows at another mount point; the answer names it. What an "
                    + "unmounted disk leaves is a directory of the file system around it.",
                "Exit status: 0 when it is made; 1 where there is such a run already, which stays as it "
                    + "is; 125 where it cannot be made.",
            ]
        case .plan:
            [
                "Shows what share of the time is useful by how often checkpoints are made, where "
                    + "failures come at random: the best interval, and what others would cost. "
                    + "--checkpoint-every auto finds it by itself.",
                Self.whatIsADuration,
            ]
        case .status:
            [
                "With --check it asks the supervisor, for 5 s at most, and prints one line. Exit status "
                    + "of --check supervisor: 0 where the supervisor answers, whatever its job does (a "
                    + "liveness probe); of --check job: 0 where the job runs, too (a readiness probe); "
                    + "else 1.",
                Self.whichRun,
            ]
        case .stop, .unpause, .events:
            [Self.whichRun]
        case .checkpoint:
            [
                "A job that is only just being started has until its first second is over to say "
                    + "hello, and is asked then. Exit status: 0 when the checkpoint is safe, else 1.",
                Self.whichRun,
            ]
        case .restart:
            [
                "The job has --checkpoint-timeout for its checkpoint and --stop-timeout to end, as "
                    + "with stop. It counts as no failure, and the job is started again whatever "
                    + "its exit status is. A job that waits to be started again is started now.",
                "It returns when the next attempt has said hello or has lived for a second. Exit "
                    + "status: 0 then, and 1 where that attempt ends before or cannot be started, "
                    + "or the run is stopped meanwhile.",
                Self.whichRun,
            ]
        case .pause:
            [
                "Its processes get SIGSTOP, and SIGCONT when it is unpaused. The time of a pause "
                    + "counts for no time-out. A job that fails meanwhile is started again after the "
                    + "pause. stop and restart end the pause.",
                Self.whichRun,
            ]
        case .logs:
            [
                "Prints the output of the newest attempt, as the job wrote it. With --follow it goes "
                    + "on with what comes, from one attempt to the next, until the run has ended; "
                    + "with --attempt too, until that attempt has.",
                Self.whichRun,
            ]
        case .doctor:
            [
                "Looks at the directory of runs, the disk under it, the machine's limits, and at NAME "
                    + "or every run: its lock, its record, its checkpoints, who may write to it. It "
                    + "changes nothing. Each finding is ok, a note or a problem, with what to do.",
                "Exit status: 0 where there is no problem, else 1.",
            ]
        case .list:
            [
                "A run in the archive is called NAME@TIME, as in train@20261121T050401Z. status, "
                    + "checkpoints, events, logs and doctor take that in the place of NAME."
            ]
        }
    }

    private static let whatIsADuration =
        "DURATION is a number with its unit: 500ms, 10s, 5m, 2h or 1d; or several: 1h30m, 2m03s."

    private static let whichRun =
        "Without NAME it is the run that is running, or the only one there is."

    /// It asks a supervisor, and can do nothing without one.
    var needsSupervisor: Bool {
        [.checkpoint, .stop, .restart, .pause, .unpause].contains(self)
    }

    /// How to get its help.
    var helpCall: String { "supervise \(rawValue) --help" }
}
