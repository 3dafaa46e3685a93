import SuperviseHost
import SuperviseSystem

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
