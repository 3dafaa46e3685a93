import SuperviseCore
import SuperviseSystem

/// What the job is sent: signals to its leader, and what stops all of it and lets it go on.
extension JobProcess {
    func signalLeader(_ signal: Int32) {
        guard let leader else { return }
        do throws(SystemError) {
            _ = try leader.process.signal(signal)
        } catch {
            deliver(.warned("\(signalName(signal)) cannot be sent to the job: \(error)"))
        }
    }

    /// A request that the job does not understand would be its end, and so it is not sent.
    func ask(by signal: Settings.RequestSignal) {
        guard let leader else { return }
        let reception = try? SignalReception(of: signal.number, by: leader.pid)
        switch reception {
        case .handled: signalLeader(signal.number)
        case .ignored:
            deliver(.requestNotSent("the job ignores \(signal.name)"))
        case .standard:
            deliver(
                .requestNotSent(
                    "process \(leader.pid) has no handler for \(signal.name), and would end by "
                        + "it (a shell in between? start the program with exec)"))
        case nil: deliver(.requestNotSent("the job is about to end"))
        }
    }

    /// Ctrl-Z: the job's session is not that of the terminal, so it would not stop by itself.
    ///
    /// - Parameter isTyped: at a terminal, where there may be no shell that could continue us: then
    ///   nobody stops for longer than a moment.
    /// - Returns: whether we had been stopped.
    func stopWithUs(isTyped: Bool = true) -> Bool {
        let before = MonotonicTime.now()
        isStopped = true
        signalDescendants(19)
        var hasStopped = true
        if isTyped {
            hasStopped = stopThisProcessAsATerminal()
        } else {
            stopThisProcess()
        }
        if !hasStopped { _ = goOnWithUs() }
        // Told before any timer that went off meanwhile.
        let stood = MonotonicTime.now().nanoseconds - before.nanoseconds
        deliver(.stoodStill(.nanoseconds(stood)))
        return hasStopped
    }

    /// - Returns: whether we had been stopped.
    func goOnWithUs() -> Bool {
        guard isStopped else { return false }
        isStopped = false
        if !isPaused { signalDescendants(18) }
        return true
    }

    func pause() {
        isPaused = true
        let (standing, reaped) = withTree { $0.stop() }
        defer { ended(reaped) }
        switch standing {
        case .still: break
        case .moving:
            missesStanding = true
            let why = "its processes come and go faster than they can be stopped"
            deliver(.hindered(.signal(signalName(19), why)))
        case .unknown(let error):
            signalLeaderGroup(19, error)
            tellNotSeen(error, 19)
        }
    }

    func goOn() {
        isPaused = false
        if !isStopped { signalDescendants(18) }
    }

    func signalDescendants(_ signal: Int32) {
        if signal == 9 { group?.kill() }
        let sent = withTree { $0.signal(signal) }
        defer { ended(sent.reaped) }
        if let error = sent.failure {
            // A job may take a second SIGTERM for an order to end at once.
            if signal != 15 || !missesPolite { signalLeaderGroup(signal, error) }
            tellNotSeen(error, signal)
        }
        if signal == 15 { missesPolite = sent.failure != nil }
        guard let refused = sent.refused, toldRefusers.insert(refused.pid).inserted else { return }
        deliver(
            .warned(
                "process \(refused.pid) of the job cannot be sent \(signalName(signal)): "
                    + "\(errorText(refused.code)); end it as a user who may (kill \(refused.pid))"))
    }

    /// Without /proc there is still the group that the leader has made.
    private func signalLeaderGroup(_ signal: Int32, _ error: SystemError) {
        // Once it is reaped, its number may be another's.
        let group = error.isShortage ? leader?.pid : leaderNumber
        if let group { signalProcessGroup(group, signal) }
    }

    private func tellNotSeen(_ error: SystemError, _ signal: Int32) {
        switch signal {
        case 18, 19:
            guard !error.hasNoProc else {
                return deliver(
                    .warned(
                        "\(signalName(signal)) cannot be sent to all of the job: \(error.whyUnseen)"
                    ))
            }
            missesStanding = true
            deliver(.hindered(.signal(signalName(signal), error.whyUnseen)))
        // They go with the end of the tree, which is tried again as a whole.
        default: deliver(.hindered(.tree(error.whyUnseen)))
        }
    }
}
