import SuperviseCore
import SuperviseFormats
import SuperviseSystem

/// What the job finds in its environment: ours, without what is meant for us, and its own part.
struct JobEnvironment {
    /// What every attempt finds.
    private let common: [String]

    /// Our service manager's, not the job's.
    private static let ours = [
        "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID",
        "LISTEN_FDNAMES", "LISTEN_PIDFDID",
    ]

    /// What a program finds that works for us: it is none of the job's, and not to be ended as such.
    ///
    /// - Parameters:
    ///   - path: its PATH; nil leaves it as it is.
    ///   - identity: who it runs as, where that is not who we are.
    static func ofHelper(
        inherited: [(String, String)], path: String? = nil, as identity: UserIdentity? = nil
    ) -> [String] {
        var variables = withoutOurs(inherited)
        if let identity { replace(&variables, by: own(identity), without: ["XDG_RUNTIME_DIR"]) }
        if let path { replace(&variables, by: [("PATH", path)]) }
        return entries(variables)
    }

    /// - Parameters:
    ///   - inherited: ours, as we were started with it.
    ///   - identity: who the job is, where that is not who we are.
    ///   - given: entries `NAME=value` of `--env`.
    ///   - stateDirectory: an absolute path, where the job finds its own run and keeps those that it
    ///     supervises itself; nil where its user may not write there.
    ///   - notices: for programs that speak sd_notify(3).
    ///   - sockets: those that the job gets from a service manager; the spawn adds its pid.
    init(
        inherited: [(String, String)], identity: UserIdentity? = nil, given: [String] = [],
        name: String, socket: String, stateDirectory: String? = nil, notices: Notices? = nil,
        sockets: InheritedDescriptors.Sockets? = nil
    ) {
        var variables = Self.withoutOurs(inherited)
        if let identity {
            Self.replace(&variables, by: Self.own(identity), without: ["XDG_RUNTIME_DIR"])
        }
        if let notices { variables += notices.variables }
        if let sockets {
            variables.append(("LISTEN_FDS", String(sockets.count)))
            if let names = sockets.names { variables.append(("LISTEN_FDNAMES", names)) }
        }
        Self.replace(&variables, by: given.map(Self.entry))
        variables += [("SUPERVISE_SOCKET", socket), ("SUPERVISE_NAME", name)]
        if let stateDirectory { variables.append(("SUPERVISE_STATE_DIR", stateDirectory)) }
        common = Self.entries(variables)
    }

    /// All of it, for one attempt.
    func entries(for order: Action.SpawnOrder) -> [String] {
        var variables = [
            ("SUPERVISE_ATTEMPT", String(order.attempt)),
            ("SUPERVISE_TOKEN", order.token),
        ]
        if let kind = order.lastFailure {
            variables.append(("SUPERVISE_LAST_FAILURE", kind.rawValue))
        }
        if let resume = order.resume {
            variables.append(("SUPERVISE_CHECKPOINT", resume.path))
            variables.append(("SUPERVISE_CHECKPOINT_ID", resume.id.description))
            if let step = resume.id.step {
                variables.append(("SUPERVISE_CHECKPOINT_STEP", String(step)))
            }
        }
        return common + Self.entries(variables)
    }

    private static func withoutOurs(_ inherited: [(String, String)]) -> [(String, String)] {
        inherited.filter { variable, _ in
            !variable.hasPrefix("SUPERVISE_") && !ours.contains(variable)
        }
    }

    private static func entries(_ variables: [(String, String)]) -> [String] {
        variables.map { name, value in
            var entry = ""
            entry.reserveCapacity(name.utf8.count + 1 + value.utf8.count)
            entry += name
            entry += "="
            entry += value
            return entry
        }
    }

    /// What a program finds that speaks sd_notify(3) to whoever has started it.
    struct Notices {
        /// The path of our socket for it.
        let socket: String
        /// What it has for a sign of life; nil where none is waited for.
        let watchdog: Duration?

        fileprivate var variables: [(String, String)] {
            let limit = watchdog.map {
                ("WATCHDOG_USEC", String(Int64($0.seconds * 1_000_000)))
            }
            return [("NOTIFY_SOCKET", socket)] + (limit.map { [$0] } ?? [])
        }
    }

    private static func own(_ identity: UserIdentity) -> [(String, String)] {
        [
            ("HOME", identity.home), ("USER", identity.name), ("LOGNAME", identity.name),
            ("SHELL", identity.shell),
        ]
    }

    private static func entry(_ text: String) -> (String, String) {
        guard let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")) else { return (text, "") }
        return (String(text[..<equals]), String(text[text.utf8.index(after: equals)...]))
    }

    /// Each name stands once, where it first stood.
    private static func replace(
        _ variables: inout [(String, String)], by others: [(String, String)],
        without gone: Set<String> = []
    ) {
        variables.removeAll { gone.contains($0.0) }
        for (name, value) in others {
            let first = variables.firstIndex { $0.0 == name } ?? variables.endIndex
            variables.removeAll { $0.0 == name }
            variables.insert((name, value), at: min(first, variables.endIndex))
        }
    }
}
