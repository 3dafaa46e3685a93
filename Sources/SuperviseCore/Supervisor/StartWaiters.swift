import SuperviseFormats

/// Operators who wait until an attempt is up: it has said hello, or has lived for a second.
package struct StartWaiters: Equatable, Sendable {
    /// What an operator waits for.
    enum Wish: Equatable, Sendable {
        /// An attempt with a higher number than this is up, or has failed to come up.
        case restart(after: Int)
        /// The job can be asked for a checkpoint, or is past its start.
        case checkpoint
    }

    struct Waiter: Equatable, Sendable {
        let sender: Sender
        let wish: Wish
    }

    /// An attempt that has lived for so long is up without a hello.
    package static let proof = Duration.seconds(1)

    private(set) var waiting: [Waiter] = []
    /// The newest attempt that was started.
    private var newest: Started?

    private struct Started: Equatable, Sendable {
        let attempt: Int
        /// Of the job's own time.
        let at: Instant
        /// The timer for it has fired.
        var isProven = false
    }

    package init() {}

    package var isEmpty: Bool { waiting.isEmpty }

    /// Whether the first second of this attempt matters to any of them: not that of the attempt that
    /// a restart is about to end.
    package func wait(for attempt: Int) -> Bool {
        waiting.contains {
            if case .restart(let before) = $0.wish { attempt > before } else { true }
        }
    }

    mutating func add(_ sender: Sender, _ wish: Wish) {
        waiting.append(Waiter(sender: sender, wish: wish))
    }

    /// Forgets an operator who has gone.
    mutating func remove(_ connection: ConnectionID) {
        waiting.removeAll { $0.sender.connection == connection }
    }

    /// Takes all of them out; who still waits is added again.
    mutating func takeAll() -> [Waiter] {
        defer { waiting = [] }
        return waiting
    }

    mutating func keep(_ waiter: Waiter) { waiting.append(waiter) }

    mutating func started(_ attempt: Int, at counted: Instant) {
        newest = Started(attempt: attempt, at: counted)
    }

    /// The attempt with this number was never started: the next one has its number.
    mutating func takeBack(_ attempt: Int) {
        waiting = waiting.map { waiter in
            guard case .restart(let after) = waiter.wish, after >= attempt else { return waiter }
            return Waiter(sender: waiter.sender, wish: .restart(after: attempt - 1))
        }
    }

    /// The newest attempt still lives after ``proof``.
    mutating func prove() { newest?.isProven = true }

    /// How long this attempt has to live until it is up; zero where it is, nil where it was not
    /// started.
    func left(of attempt: Int, at counted: Instant) -> Duration? {
        guard let newest, newest.attempt == attempt else { return nil }
        return newest.isProven ? .zero : max(.zero, Self.proof - (counted - newest.at))
    }
}
