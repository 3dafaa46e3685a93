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
    /// - Throws: ``StartError`` that names the option.
    func perform(_ paths: RunPaths) throws(StartError) -> ProcessSettings {
        let isNamed = request.options[OptionName.chdir.rawValue] != nil
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
            throw StartError.rehearsal(
                error,
                .init(
                    user: request.job.user.map { "\($0.user)" },
                    namesDirectory: request.options[OptionName.chdir.rawValue] != nil))
        }
        return settings
    }

    private func identity(_ choice: UserChoice) throws(StartError) -> UserIdentity {
        guard userId() == 0 else {
            throw StartError.userNeedsRoot
        }
        if request.settings.watchMode == .own, !request.settings.watch.isEmpty {
            throw StartError.ownedFilesOfUser
        }
        do throws(UserDatabase.Problem) {
            return try users.identity(user: choice.user, group: choice.group)
        } catch {
            throw StartError.noUser(error)
        }
    }

    /// What is above our own directories, which we can open to the job ourselves.
    private func places(of paths: RunPaths) -> [String] {
        [paths.stateDirectory, paths.payloadRoot].map { path in
            sequence(first: parent(of: path)) { parent(of: $0) }.first { pathExists($0) } ?? "/"
        }
    }
}
