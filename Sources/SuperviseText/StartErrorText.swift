import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem

extension StartError: CustomStringConvertible {
    /// One sentence that says what to do.
    package var description: String {
        switch self {
        case .store(let error): "\(error)"
        case .step(.searchLeftovers(let run), let error):
            "what is left of run \(run) cannot be looked for: \(error); \(error.shortageAdvice)"
        case .step(let step, let error): "\(step.failure): \(error)"
        case .shortage(let error): "\(error); \(error.shortageAdvice)"
        case .otherCommand(let match, let name, let isCompleted):
            StartText.refusal(match, name: name, isCompleted: isCompleted)
                ?? "run \(name) was begun with another command"
        case .otherOrigin(let origin, let record, let name):
            StartText.refusal(origin, record, name: name) ?? "run \(name) is another directory's"
        case .otherState(let tenancy, let paths):
            StartText.refusal(tenancy, paths)
                ?? "the checkpoints in \(printable(paths.payload)) are another state's"
        case .weakPlace(let weakness, let option): PlaceText.refusal(weakness, option: option)
        case .unseenPlace(let path, let error): "\(printable(path)) cannot be looked at: \(error)"
        case .weakHelper(let helper, let weakness):
            "\(helper.runs), and the job could put another program there: "
                + "\(PlaceText.what(weakness)); \(helper.cure)"
        case .unseenHelper(let helper, let error):
            "\(helper.runs), and whether the job could put another program there cannot be told: "
                + "\(error); \(helper.cure)"
        case .noProgram(let program, let option):
            "\(option) needs the program \(printable(program)), which is not in PATH; install "
                + "it, or "
                + "leave the option out"
        case .noUser(let problem): "\(OptionName.user): \(problem)"
        case .userNeedsRoot: "\(OptionName.user) needs root: call supervise as that user instead"
        case .ownedFilesOfUser:
            "\(OptionName.watchMode) own is not possible with \(OptionName.user), as root would "
                + "delete "
                + "what is then the user's: use move"
        case .rehearsal(let error, let wish): wish.sentence(for: error)
        case .noSocketDirectory(let error, let tried, let below): Self.noSocket(error, tried, below)
        case .longSocketPath(let path, let longest, let variable):
            "the socket's path would have \(path.utf8.count) bytes, and the system takes "
                + "\(longest): "
                + "\(path); set \(variable) to a shorter directory"
        case .unseenLeftovers(let error):
            "whether something is left cannot be told (\(error.whyUnseen)); settle it again"
        case .stuckLeftovers(let run):
            "processes of run \(run) do not end, even by SIGKILL; look what holds them, and "
                + "settle it "
                + "again"
        case .held(let lock): lock.sentence
        case .inUse(let user): user.sentence
        case .payloadInUse(let payload, let pid, let owner):
            Self.payloadInUse(payload, by: pid, owner)
        case .isBeingMade(let run): "run \(run) is just being started or made by somebody else"
        case .unknownMount(let place):
            "whether \(printable(place)) is mounted cannot be told: it is not in "
                + "/proc/self/mountinfo"
        case .notMounted(let place, let point):
            "\(printable(place)) is on \(Self.mount(point)), and not on a file system of its "
                + "own, as "
                + "\(OptionName.mounted) wants it; mount that, or leave \(OptionName.mounted) out"
        case .missingState(let missing): missing.refusal
        }
    }

    private static func mount(_ point: FilePath) -> String {
        point == "/" ? "/" : "an automount at \(printable(point.text))"
    }

    private static func noSocket(
        _ error: SystemError?, _ tried: [String], _ below: SocketRefusal
    ) -> String {
        let reason = error.map { ": \($0)" } ?? " in \(joined(tried, with: " or "))"
        let what = "no directory for the socket can be made\(reason)"
        let advice = "set XDG_RUNTIME_DIR to a directory of yours with a short path"
        switch below {
        case .tooLong(let path, let longest):
            return
                "\(what); below the state directory its path would have \(path.utf8.count) "
                + "bytes, and "
                + "the system takes \(longest): \(path); \(advice), or give a shorter "
                + "\(OptionName.stateDir)"
        case .system(let error):
            return "\(what), and none below the state directory: \(error); \(advice)"
        }
    }

    private static func payloadInUse(
        _ payload: String, by pid: Int32?, _ owner: String?
    ) -> String {
        let who = pid.map { "by pid \($0)" } ?? "by another supervisor"
        let state = owner.map { ", for the state in \(printable($0))" } ?? ""
        return "the checkpoints in \(printable(payload)) are in use \(who)\(state); give another "
            + "\(OptionName.checkpointDir), or stop that run first"
    }
}

extension StartError.Step {
    fileprivate var failure: String {
        switch self {
        case .start: "the run cannot be started"
        case .work: "the supervisor cannot work"
        case .noteLock: "the run's lock cannot be written"
        case .randomNumbers: "no random numbers"
        case .openState: "the directory of the state cannot be opened"
        case .waitForLock: "cannot wait for the lock"
        case .lookAtMount(let place): "whether \(printable(place)) is mounted cannot be told"
        case .searchLeftovers(let run): "what is left of run \(run) cannot be looked for"
        }
    }
}

extension StartError.Helper {
    fileprivate var runs: String {
        let option = kind == .onHang ? "\(OptionName.onHang)" : "\(OptionName.preempt) exec:"
        return "\(option) would run \(printable(program)) as root"
    }

    fileprivate var cure: String {
        switch kind {
        case .onHang:
            "give a program of root's, or \(OptionName.onHangUser) job, which runs it as that user"
        case .preempt: "give a program of root's"
        }
    }
}

extension StartError.JobWish {
    fileprivate func sentence(for error: SystemError) -> String {
        if error.isShortage {
            return "the job cannot be started: \(error); \(error.shortageAdvice)"
        }
        let reason = errorText(error.code)
        let who = user.map { "for user \($0): " } ?? ""
        switch error.call {
        case "setrlimit":
            return "\(OptionName.rlimit) \(error.subject) cannot be set: \(reason); raising a "
                + "hard limit "
                + "needs CAP_SYS_RESOURCE"
        case "setpriority":
            return "\(OptionName.nice) \(error.subject) cannot be set: \(reason); going below "
                + "our own needs "
                + "CAP_SYS_NICE"
        case "setuid":
            return "\(OptionName.user) \(error.subject): the system does not let us become "
                + "that: \(reason)"
        case "chdir":
            let path = printable(error.subject)
            if namesDirectory { return "\(OptionName.chdir) \(path): \(who)\(reason)" }
            return "\(who)\(path) cannot be worked in: \(reason); give another with "
                + "\(OptionName.chdir)"
        case "access":
            return "\(user.map { "user \($0)" } ?? "we") cannot pass through "
                + "\(printable(error.subject)) (\(reason)), where its checkpoints would be; "
                + "give another "
                + "place with \(OptionName.stateDir), such as /var/lib/supervise"
        default: return "the job cannot be started: \(error)"
        }
    }
}

extension StartError.LockUser {
    fileprivate var sentence: String {
        let since = started.map { " (since \(Self.localTime($0)))" } ?? ""
        let who = pid.map { "pid \($0)\(distance.phrase)" } ?? "another supervisor"
        let what = "run \(run) is in use by \(who)\(since)"
        if isPaused {
            let call = ["supervise", "unpause", run.description] + placeOption
            return "\(what), and paused; to let it go on: \(HumanText.commandLine(call))"
        }
        return isResume ? what : "\(what). To run a second one beside it: \(OptionName.name)"
    }

    /// To the minute, such as `2026-11-21 05:04`.
    private static func localTime(_ moment: Timestamp) -> String {
        let ahead = secondsAheadOfUTC(at: moment.milliseconds / 1000)
        let text = moment.advanced(bySeconds: Double(ahead)).description.prefix(16)
        return text.map { $0 == "T" ? " " : String($0) }.joined()
    }
}

extension SupervisorDistance {
    /// Such as ` in another container (host name ab12)`; empty where it is here.
    package var phrase: String {
        switch self {
        case .here: ""
        case .otherContainer(let host): " in another container (host name \(printable(host)))"
        case .otherMachine(let host):
            " on another machine, or in a virtual one (host name \(printable(host)))"
        }
    }
}
