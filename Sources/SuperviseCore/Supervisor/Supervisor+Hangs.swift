import SuperviseFormats

/// Jobs that hang: found when the time for a sign is over, looked at, and killed.
extension Supervisor {
    /// For the look at the job's processes; it takes milliseconds, unless the kernel itself hangs.
    private static let examinationLimit = Duration.seconds(5)
    /// A timer that goes off so late tells that we had been stopped, and perhaps the job with us.
    private static let lateness = Duration.seconds(1)
    /// Of each part of a report, in the events; in Unicode scalars.
    private static let mostInEvent = 8000

    private var watchesForHangs: Bool {
        settings.heartbeatTimeout != nil || settings.progressTimeout != nil
    }

    var isHung: Bool { attempt?.hang.stage != nil }

    /// The end of this attempt is of our making.
    var wasKilledForHang: Bool { attempt?.hang.stage == .killing }

    private var hangMode: HangWatch.Mode {
        guard phase == .running, stop == nil, let attempt, attempt.pid != nil, !isHung else {
            return .nothing
        }
        if let open = saves.open { return .growth(of: open.id) }
        return committing.contains { $0.sender != nil } ? .disk : .signs
    }

    /// After every event. The timer is set where none is, or where something is due before it; one
    /// that is set too early for what is known now is left as it is, so that signs cost nothing.
    mutating func watchForHangs(at now: Moment) {
        guard watchesForHangs, attempt != nil else { return }
        let mode = hangMode
        attempt?.hang.follow(mode, at: now.counted)
        guard let next = attempt?.hang.next(at: now.counted), attempt?.hang.measuring == nil else {
            orders.cancelIfSet(.hang)
            return
        }
        guard !isPaused else { return }
        let wait = max(.zero, next.wait)
        if let due = orders.due(.hang), due <= now.instant + wait { return }
        orders.set(.hang, after: wait, at: now)
    }

    /// - Parameter due: when the timer was to go off.
    mutating func hangTimePassed(due: Instant, at now: Moment) {
        guard let next = attempt?.hang.next(at: now.counted), next.wait <= .zero else { return }
        if now.instant - due > Self.lateness {
            attempt?.hang.startAnew(at: now.counted)
        } else if next.cause == .checkpoint, let open = saves.open {
            attempt?.hang.measure(open.id)
            orders.add(.measureStaging(open.id))
        } else {
            examine(next, at: now)
        }
    }

    /// A job that is paused by now is measured again when it goes on.
    mutating func stagingMeasuredForHang(
        _ id: CheckpointID, _ size: Event.StagingSize, at now: Moment
    ) {
        guard attempt?.hang.wasMeasured(id, size, at: now.counted) == true, !isPaused,
            let next = attempt?.hang.next(at: now.counted), next.wait <= .zero
        else { return }
        examine(next, at: now)
    }

    private mutating func examine(_ due: HangWatch.Due, at now: Moment) {
        guard let attempt else { return }
        self.attempt?.hang.suspicion = .init(due: due, isFirst: attempt.hang.isFirst(due.cause))
        self.attempt?.hang.stage = .examining
        orders.add(.examine)
        orders.set(.diagnosis, after: Self.examinationLimit, at: now)
    }

    mutating func examined(_ found: Event.Examination, at now: Moment) {
        guard attempt?.hang.stage == .examining, let pid = attempt?.pid else { return }
        attempt?.hang.suspicion?.found = found
        guard let command = settings.onHang else {
            killHung(asked: nil, at: now)
            return
        }
        attempt?.hang.stage = .asking
        orders.add(.runOnHang(command.filled([("{pid}", String(pid))])))
        orders.set(.diagnosis, after: settings.onHangTimeout, at: now)
    }

    mutating func onHangEnded(_ answer: String, at now: Moment) {
        guard attempt?.hang.stage == .asking else { return }
        killHung(asked: answer, at: now)
    }

    /// What there is by now has to do; it is answered at once.
    mutating func diagnosisTimePassed() {
        switch attempt?.hang.stage {
        case .examining, .asking: orders.add(.endDiagnosis)
        case .killing, .abandoned, nil: break
        }
    }

    private mutating func killHung(asked: String?, at now: Moment) {
        guard let attempt, let hang = attempt.hang.suspicion else { return }
        orders.cancel(.diagnosis)
        self.attempt?.hang.stage = .killing
        let parts = [hang.found.text, asked].compactMap { $0 }
        let hung = RunEvent.Hung(
            attempt: attempt.number, cause: hang.due.cause, silent: hang.due.silent.seconds,
            never: hang.isFirst, processes: hang.found.processes, threads: hang.found.threads,
            report: RunEvent.Hung.report(attempt: attempt.number),
            text: parts.map { $0.bounded(to: Self.mostInEvent) }.joined(separator: "\n"))
        orders.log(.hung(hung))
        orders.add(.saveReport(hung, text: parts.joined(separator: "\n")))
        orders.add(.killEverything)
        orders.set(.abandon, after: settings.stopTimeout, at: now)
    }

    /// A stop was asked for, or the job has ended by itself: nothing is waited for any more.
    mutating func abandonDiagnosis() {
        switch attempt?.hang.stage {
        case .examining, .asking:
            orders.cancel(.diagnosis)
            orders.add(.endDiagnosis)
            attempt?.hang.stage = .abandoned
        case .killing, .abandoned, nil: break
        }
    }
}

extension HangWatch.Limits {
    init(_ settings: Settings) {
        self.init(
            heartbeat: settings.heartbeatTimeout, progress: settings.progressTimeout,
            growth: settings.checkpointTimeout)
    }
}
