import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// Finds out whether the job can be what it is asked to be, before anything is changed: a child does
/// all that the job's start will do but the exec.
struct JobRehearsal {
    let request: RunRequest
    let console: Console
    var users = UserDatabase()

    /// - Parameter paths: where the run's state and checkpoints are or will be.
    /// - Returns: what each attempt is started with.
    /// - Throws: ``HostError`` that names the option.
    func perform(_ paths: RunPaths) throws(HostError) -> ProcessSettings {
        let isNamed = request.options["chdir"] != nil
        guard request.job.process != .init() || request.job.user != nil || isNamed else {
            return .init()
        }
        var settings = request.job.process
        if let choice = request.job.user { settings.identity = try identity(choice) }
        let rehearsed = SpawnRequest(
            command: request.command, environment: [], directory: request.directory)
        do throws(SystemError) {
            var request = rehearsed
            request.settings = settings
            let places = settings.identity == nil ? [] : places(of: paths)
            try ShortageWait(console).perform { () throws(SystemError) in
                try rehearse(request, reach: places)
            }
        } catch {
            throw HostError(sentence(for: error))
        }
        return settings
    }

    private func identity(_ choice: UserChoice) throws(HostError) -> UserIdentity {
        guard userId() == 0 else {
            throw HostError("--user needs root: call supervise as that user instead")
        }
        if request.settings.watchMode == .own, !request.settings.watch.isEmpty {
            throw HostError(
                "--watch-mode own is not possible with --user, as root would delete what is then "
                    + "the user's: use move")
        }
        do throws(UserDatabase.Problem) {
            return try users.identity(user: choice.user, group: choice.group)
        } catch {
            throw HostError("--user: \(error)")
        }
    }

    /// What is above our own directories, which we can open to the job ourselves.
    private func places(of paths: RunPaths) -> [String] {
        [paths.stateDirectory, paths.payloadRoot].map { path in
            sequence(first: parent(of: path)) { parent(of: $0) }.first { pathExists($0) } ?? "/"
        }
    }

    private func sentence(for error: SystemError) -> String {
        if error.isShortage {
            return "the job cannot be started: \(error); \(error.shortageAdvice)"
        }
        let reason = errorText(error.code)
        let user = request.job.user.map { "user \($0.user)" } ?? "we"
        let who = request.job.user.map { "for user \($0.user): " } ?? ""
        switch error.call {
        case "setrlimit":
            return
                "--rlimit \(error.subject) cannot be set: \(reason); raising a hard limit needs CAP_SYS_RESOURCE"
        case "setpriority":
            return
                "--nice \(error.subject) cannot be set: \(reason); going below our own needs CAP_SYS_NICE"
        case "setuid":
            return "--user \(error.subject): the system does not let us become that: \(reason)"
        case "chdir":
            let path = HumanText.printable(error.subject)
            if request.options["chdir"] != nil { return "--chdir \(path): \(who)\(reason)" }
            return "\(who)\(path) cannot be worked in: \(reason); give another with --chdir"
        case "access":
            let path = HumanText.printable(error.subject)
            return
                "\(user) cannot pass through \(path) (\(reason)), where its checkpoints would be; "
                + "give another place with --state-dir, such as /var/lib/supervise"
        default: return "the job cannot be started: \(error)"
        }
    }
}
