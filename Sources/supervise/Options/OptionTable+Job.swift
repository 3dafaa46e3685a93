import SuperviseHost
import SuperviseSystem

/// Where and as what the job runs.
extension OptionTable {
    static let job = [
        OptionSpec(
            "chdir", .directory, of: [.run], [.environment, .recorded, .path],
            inOptional: \.directory,
            "Run the command in this directory; it is the run's directory in all respects"),
        OptionSpec(
            "env", .variables, of: [.run], [.environment, .recorded, .repeatable],
            in: \.job.environment,
            "Set a variable of the job's environment; may be given several times"),
        OptionSpec(
            "umask", .mask, of: [.run], inOptional: \.job.process.mask,
            "Permissions that the job's new files do not get, in octal"),
        OptionSpec(
            "nice", .niceness, of: [.run], inOptional: \.job.process.niceness,
            "The job's niceness: 19 gives way to everybody"),
        OptionSpec(
            "rlimit", .limits, of: [.run], [.environment, .recorded, .repeatable],
            in: \.job.process.limits,
            "A limit of the job, as ulimit has them; may be given several times"),
        OptionSpec(
            "user", .user, of: [.run], inOptional: \.job.user,
            "Run the job as this user, with its groups and HOME; for root only"),
    ]
}
