import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText

extension SupervisorPlace {
    /// Where this process is.
    package static func here(bootID: String) -> SupervisorPlace {
        SupervisorPlace(host: hostName(), bootID: bootID, pidNamespace: ownPIDNamespace())
    }

    /// The same, for one that has not asked for the boot yet.
    package static var here: SupervisorPlace { here(bootID: (try? bootId()) ?? "") }
}

extension SupervisorDistance {
    /// From this process to the supervisor that has published a status.
    package init(to status: Status) { self.init(status.place, from: .here) }

    /// How to call a command where the supervisor is; nil where that is here.
    ///
    /// - Parameter call: the words of the command, such as `supervise`, `stop`, `train`.
    package func advice(_ call: [String]) -> String? {
        let line = HumanText.commandLine(call)
        switch self {
        case .here: return nil
        case .otherContainer(let host):
            let name = HumanText.commandLine([host])
            return "call it in that container: podman exec \(name) \(line), the same with docker, "
                + "or kubectl exec \(name) -- \(line)"
        case .otherMachine: return "call it there: \(line)"
        }
    }
}

extension RunStore {
    /// From this process to the holder of the run's lock.
    ///
    /// - Parameter pid: as it stands in the lock. One that has not published a status is taken to be here.
    package func distance(toHolder pid: Int32?) -> SupervisorDistance {
        guard let pid, let status = try? derived.readStatus(), status.supervisorPID == Int(pid)
        else { return .here }
        return SupervisorDistance(to: status)
    }
}
