import SuperviseCore
import SuperviseFormats
import SuperviseSystem

/// A command of the user's that works for the supervisor: as whom and where it runs.
struct HelperCall: Sendable {
    /// The program's name and its arguments.
    var command: [String]
    /// The file to execute, an absolute path; nil looks for the command's first word in PATH.
    var program: String?
    var environment: [String]
    var directory = HelperPlace.directory
    var settings = ProcessSettings()
}

extension Session {
    /// The call of `--on-hang`: as the supervisor, in `/`; or as the job, in its directory.
    func onHangCall(_ command: [String]) -> HelperCall {
        guard request.onHangUser == .job else { return helperCall(command, helpers.onHang) }
        var call = HelperCall(
            command: command, program: helpers.onHang,
            environment: JobEnvironment.ofHelper(inherited: environment, as: job.identity),
            directory: found.record.directory)
        call.settings.identity = job.identity
        return call
    }

    /// A call as the supervisor.
    func helperCall(_ command: [String], _ program: String?) -> HelperCall {
        HelperCall(
            command: command, program: program,
            environment: JobEnvironment.ofHelper(inherited: environment, path: HelperPlace.path))
    }
}
