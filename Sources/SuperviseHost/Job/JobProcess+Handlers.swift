import SuperviseCore
import SuperviseSystem

/// Who would end by SIGTERM.
extension JobProcess {
    func lookForHandlers(_ hearers: LastCloses.Hearers) {
        switch hearers {
        case .leader:
            guard let leader else { return }
            let reception = try? SignalReception(of: 15, by: leader.pid)
            deliver(.handlersFound(.leader, reception == .handled || reception == .ignored))
        case .descendants:
            let handle = tools.withProcesses {
                descendantsHandle(15, except: $0.union([guardian.pid]))
            }
            deliver(.handlersFound(.descendants, handle))
        }
    }
}
