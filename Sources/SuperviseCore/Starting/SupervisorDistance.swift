import SuperviseFormats

/// How far a supervisor is from the process that looks at its run.
package enum SupervisorDistance: Equatable, Sendable {
    /// In the same PID namespace: its pid means the same process to both.
    case here
    /// On the same kernel and in another PID namespace.
    case otherContainer(host: String)
    /// Another kernel, or another boot of this one.
    case otherMachine(host: String)

    /// - Parameters:
    ///   - recorded: as the supervisor has published it; nil where an older version runs.
    ///   - here: the place of who looks.
    package init(_ recorded: SupervisorPlace?, from here: SupervisorPlace) {
        guard let recorded else {
            self = .here
            return
        }
        let isSameHost = recorded.host == here.host
        if recorded.bootID.isEmpty || here.bootID.isEmpty {
            self = isSameHost ? .here : .otherMachine(host: recorded.host)
        } else if recorded.bootID != here.bootID {
            self = .otherMachine(host: recorded.host)
        } else if let theirs = recorded.pidNamespace, let ours = here.pidNamespace {
            self = theirs == ours ? .here : .otherContainer(host: recorded.host)
        } else {
            self = isSameHost ? .here : .otherContainer(host: recorded.host)
        }
    }
}
