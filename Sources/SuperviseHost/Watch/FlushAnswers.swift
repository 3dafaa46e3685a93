import Synchronization

/// Sees to it that each flush is answered once, also by a watch that has failed.
///
/// Flushes are ordered on one thread and answered on another.
final class FlushAnswers: Sendable {
    private struct State {
        var open = 0
        var isFailed = false
    }

    private let state = Mutex(State())

    /// - Returns: false where nobody carries it out any more, so that it is to be answered at once.
    func order() -> Bool {
        state.withLock { state in
            if state.isFailed { return false }
            state.open += 1
            return true
        }
    }

    func wasAnswered() {
        state.withLock { $0.open -= 1 }
    }

    /// - Returns: how many have had no answer, and get none from the watch.
    func fail() -> Int {
        state.withLock { state in
            defer { state.open = 0 }
            state.isFailed = true
            return state.open
        }
    }
}
