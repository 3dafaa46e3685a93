import SuperviseFormats

extension EventText {
    static func settledText(_ settled: RunEvent.Settled) -> String {
        let who = "the supervisor (pid \(settled.supervisorPID)) is gone"
        guard settled.outcome.isLost else {
            return "\(who); by its record the run is \(settled.outcome.kind.rawValue)"
        }
        return "\(who) without having finished; the run is lost, and can be resumed"
    }
}
