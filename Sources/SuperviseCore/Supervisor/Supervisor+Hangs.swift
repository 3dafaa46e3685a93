import SuperviseFormats

/// What hang detection must know of the rest.
extension Supervisor {
    var isHung: Bool { attempt?.hang.isHung ?? false }

    var wasKilledForHang: Bool { attempt?.hang.hasKilled ?? false }

    /// After every event.
    mutating func watchForHangs(at now: Moment) {
        guard attempt?.hang.isOn == true else { return }
        let (sign, isPaused) = (awaitedSign, isPaused)
        attempt?.hang.watch(for: sign, isPaused: isPaused, at: now, &orders)
    }

    private var awaitedSign: SignsOfLife.Mode {
        guard phase == .running, stop == nil, let attempt, attempt.pid != nil else {
            return .nothing
        }
        if let open = saves.open { return .growth(of: open.id) }
        return committing.contains { $0.sender != nil } ? .disk : .signs
    }
}
