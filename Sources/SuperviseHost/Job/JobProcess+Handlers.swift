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
            let (all, reaped) = withTree { $0.handles(15) }
            deliver(.handlersFound(.descendants, all))
            ended(reaped)
        }
    }
}
