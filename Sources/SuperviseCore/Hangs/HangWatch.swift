import SuperviseFormats

/// Detects that the job of an attempt hangs, examines it and kills it.
///
///     watching → examining → killing     (a sign was due; its processes were examined)
///     examining → asking → killing       (and the command of `--on-hang` has run)
///     examining, asking → abandoned      (a stop, or the job's own end, came first)
package struct HangWatch: Sendable {
    /// A hang that was found, on its way to its end.
    package enum Stage: Equatable, Sendable {
        /// Its processes are being examined.
        case examining
        /// The command of `--on-hang` runs.
        case asking
        /// SIGKILL is sent.
        case killing
        /// Something else has ended it first.
        case abandoned
    }

    /// nil while no hang was found.
    package private(set) var stage: Stage?
    private var signs: SignsOfLife
    private var suspicion: Suspicion?
    /// A limit for signs of life or for progress was given.
    let isOn: Bool
    private let attempt: Int
    private let command: ShellWords?
    private let commandTimeout: Duration
    private let stopTimeout: Duration

    /// A hang, and what was found out about it so far.
    private struct Suspicion: Equatable, Sendable {
        let due: SignsOfLife.Due
        /// There was never such a sign.
        let isFirst: Bool
        var found = Event.Examination()
    }

    /// To examine the job's processes takes milliseconds, unless the kernel itself hangs.
    private static let examinationLimit = Duration.seconds(5)
    /// If the timer goes off so late, we had been stopped, and perhaps the job with us.
    private static let lateness = Duration.seconds(1)
    /// Of each part of a report, in the events; in Unicode scalars.
    private static let mostInEvent = 8000

    init(_ settings: Settings, attempt: Int) {
        signs = SignsOfLife(
            SignsOfLife.Limits(
                heartbeat: settings.heartbeatTimeout, progress: settings.progressTimeout,
                growth: settings.checkpointTimeout))
        isOn = settings.heartbeatTimeout != nil || settings.progressTimeout != nil
        self.attempt = attempt
        command = settings.onHang
        commandTimeout = settings.onHangTimeout
        stopTimeout = settings.stopTimeout
    }

    /// A hang was found, even if something else has ended the job since.
    var isHung: Bool { stage != nil }

    /// The end of this attempt is of our making.
    var hasKilled: Bool { stage == .killing }

    /// The job has said something, whatever it is.
    mutating func signOfLife(at now: Instant) { signs.signOfLife(at: now) }

    /// - Parameter step: nil if the job gives none, and has done something all the same.
    mutating func stepped(to step: Int64?, at now: Instant) {
        signs.stepped(to: step, at: now)
    }
}

/// Detection.
extension HangWatch {
    /// After every event. The timer is set if none is, or if something is due before it; one that is
    /// too early for what is known now stays as it is, so that signs cost nothing.
    ///
    /// - Parameter mode: what the job is waited for, unless it hangs.
    mutating func watch(
        for mode: SignsOfLife.Mode, isPaused: Bool, at now: Moment, _ orders: inout Orders
    ) {
        guard isOn else { return }
        signs.follow(isHung ? .nothing : mode, at: now.counted)
        guard let next = signs.next(at: now.counted), signs.measuring == nil else {
            orders.cancelIfSet(.hang)
            return
        }
        guard !isPaused else { return }
        let wait = max(.zero, next.wait)
        if let due = orders.due(.hang), due <= now.instant + wait { return }
        orders.set(.hang, after: wait, at: now)
    }

    /// - Parameter due: when the timer was to go off.
    mutating func timePassed(due: Instant, at now: Moment, _ orders: inout Orders) {
        guard let next = signs.next(at: now.counted), next.wait <= .zero else { return }
        if now.instant - due > Self.lateness {
            signs.startAnew(at: now.counted)
        } else if let id = next.checkpoint {
            signs.measure(id)
            orders.add(.measureStaging(id))
        } else {
            examine(next, at: now, &orders)
        }
    }

    /// If the job is paused by now, the directory is measured again when it goes on.
    mutating func measured(
        _ id: CheckpointID, _ size: Event.StagingSize, isPaused: Bool, at now: Moment,
        _ orders: inout Orders
    ) {
        guard signs.wasMeasured(id, size, at: now.counted), !isPaused,
            let next = signs.next(at: now.counted), next.wait <= .zero
        else { return }
        examine(next, at: now, &orders)
    }
}

/// A hang that was found.
extension HangWatch {
    private mutating func examine(
        _ due: SignsOfLife.Due, at now: Moment, _ orders: inout Orders
    ) {
        suspicion = Suspicion(due: due, isFirst: signs.isFirst(due.cause))
        stage = .examining
        orders.add(.examine)
        orders.set(.diagnosis, after: Self.examinationLimit, at: now)
    }

    /// - Parameter pid: of the job's leader; nil if it has ended.
    mutating func examined(
        _ found: Event.Examination, pid: Int?, at now: Moment, _ orders: inout Orders
    ) {
        guard stage == .examining, let pid else { return }
        suspicion?.found = found
        guard let command else { return kill(answer: nil, at: now, &orders) }
        stage = .asking
        orders.add(.runOnHang(command.filled([("{pid}", String(pid))])))
        orders.set(.diagnosis, after: commandTimeout, at: now)
    }

    /// - Parameter answer: what the command of `--on-hang` wrote.
    mutating func commandEnded(_ answer: String, at now: Moment, _ orders: inout Orders) {
        guard stage == .asking else { return }
        kill(answer: answer, at: now, &orders)
    }

    /// The time for the examination or the command is over: what it found so far comes at once.
    func diagnosisTimePassed(_ orders: inout Orders) {
        switch stage {
        case .examining, .asking: orders.add(.endDiagnosis)
        case .killing, .abandoned, nil: break
        }
    }

    private mutating func kill(answer: String?, at now: Moment, _ orders: inout Orders) {
        guard let suspicion else { return }
        orders.cancel(.diagnosis)
        stage = .killing
        let (due, found) = (suspicion.due, suspicion.found)
        let parts = [found.text, answer].compactMap { $0 }
        let hung = RunEvent.Hung(
            attempt: attempt, cause: due.cause, silent: due.silent.seconds,
            never: suspicion.isFirst, processes: found.processes, threads: found.threads,
            report: RunEvent.Hung.report(attempt: attempt),
            text: parts.map { $0.bounded(to: Self.mostInEvent) }.joined(separator: "\n"))
        orders.log(.hung(hung))
        orders.add(.saveReport(hung, text: parts.joined(separator: "\n")))
        orders.add(.killEverything)
        orders.set(.abandon, after: stopTimeout, at: now)
    }

    /// A stop was asked for, or the job has ended by itself: nothing is waited for any more.
    mutating func abandon(_ orders: inout Orders) {
        switch stage {
        case .examining, .asking:
            orders.cancel(.diagnosis)
            orders.add(.endDiagnosis)
            stage = .abandoned
        case .killing, .abandoned, nil: break
        }
    }
}

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
