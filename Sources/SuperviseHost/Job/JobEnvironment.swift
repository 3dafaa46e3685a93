import SuperviseCore
import SuperviseFormats
import SuperviseSystem

/// What the job finds in its environment: ours, without what is meant for us, and its own part.
enum JobEnvironment {
    /// Our service manager's, not the job's.
    private static let ours: Set<String> = [
        "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID",
        "LISTEN_FDNAMES", "LISTEN_PIDFDID",
    ]

    /// What a program finds that works for us: it is none of the job's, and not to be ended as such.
    static func ofHelper(inherited: [(String, String)]) -> [String] {
        inherited.filter { variable, _ in
            !ours.contains(variable) && !variable.hasPrefix("SUPERVISE_")
        }.map { "\($0)=\($1)" }
    }

    static func make(
        inherited: [(String, String)], name: String, socket: String, order: Action.SpawnOrder
    ) -> [String] {
        var variables = inherited.filter { variable, _ in
            !ours.contains(variable) && !variable.hasPrefix("SUPERVISE_")
        }
        variables += [
            ("SUPERVISE_SOCKET", socket),
            ("SUPERVISE_NAME", name),
            ("SUPERVISE_ATTEMPT", String(order.attempt)),
            ("SUPERVISE_TOKEN", order.token),
        ]
        if let resume = order.resume {
            variables.append(("SUPERVISE_CHECKPOINT", resume.path))
            variables.append(("SUPERVISE_CHECKPOINT_ID", resume.id.description))
            if let step = resume.id.step {
                variables.append(("SUPERVISE_CHECKPOINT_STEP", String(step)))
            }
        }
        return variables.map { "\($0)=\($1)" }
    }
}
