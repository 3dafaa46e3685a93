import SuperviseFormats

/// Signals to the job: held until it runs, and since when SIGKILL is sent.
struct JobSignals: Sendable {
    /// Of people. They outlive a start that the machine has refused.
    private var ofPeople: [Int32] = []
    /// Of a stop, for the leader that is being started.
    private var ofStop: [Int32] = []
    /// When all of the attempt first got SIGKILL.
    private var killedAt: Instant?

    /// What gets SIGKILL has so long to end. It is less than the second by which the promised bound of a
    /// stop is later than ours.
    private static let timeToDie = Duration.milliseconds(500)

    /// A signal of people for a job that is being started. As the kernel does it, each number is held
    /// once.
    mutating func hold(_ number: Int32) {
        if !ofPeople.contains(number) { ofPeople.append(number) }
    }

    /// A signal of a stop, for the leader or, while that is being started, held.
    mutating func signal(_ number: Int32, isStarting: Bool, _ orders: inout Orders) {
        if isStarting {
            ofStop.append(number)
        } else {
            orders.add(.signalLeader(number))
        }
    }

    /// A new attempt begins.
    mutating func beginAttempt() { ofStop = [] }

    /// The job will not start: nobody is left to be signalled.
    mutating func forget() { ofPeople = [] }

    /// The leader runs.
    ///
    /// - Returns: what was held, in the order in which it came.
    mutating func take() -> [Int32] {
        defer { (ofPeople, ofStop) = ([], []) }
        return ofPeople + ofStop
    }

    mutating func note(_ action: Action, at now: Instant) {
        switch action {
        case .spawn: killedAt = nil
        case .killEverything, .endDescendants(.atOnce): killedAt = killedAt ?? now
        default: break
        }
    }

    /// How long to wait for what got SIGKILL; nil if it was not sent yet.
    ///
    /// If we come late, the end of the time for SIGTERM and the last bound of a stop are due at the same
    /// moment: what has just been killed is not reported to outlive SIGKILL.
    func patience(at now: Instant) -> Duration? {
        killedAt.map { max(.zero, $0 + Self.timeToDie - now) }
    }
}
