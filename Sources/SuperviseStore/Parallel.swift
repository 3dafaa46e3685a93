import SuperviseSystem
import Synchronization

/// Does something with each of several things: on this thread, and beside it on those of a lane that
/// are free.
///
/// Where one fails, nothing else is begun; which error is thrown where several fail is open.
///
/// - Parameter lane: nil does all of it here, in order.
/// - Returns: the results, in the order of what they are of.
func forEach<Item: Sendable, Result: Sendable>(
    _ items: [Item], beside lane: WorkerLane?,
    _ body: @escaping @Sendable (Item) throws(StoreError) -> Result
) throws(StoreError) -> [Result] {
    let found = ResultList<Result>(count: items.count)
    WorkerLane.spread(items.count, beside: lane) { index in
        if found.hasFailed { return }
        do throws(StoreError) {
            found.set(try body(items[index]), at: index)
        } catch {
            found.fail(error)
        }
    }
    return try found.get()
}

/// What several threads have found.
private final class ResultList<Result: Sendable>: Sendable {
    private struct State: Sendable {
        var results: [Result?]
        var error: StoreError?
    }

    private let state: Mutex<State>

    init(count: Int) {
        state = Mutex(State(results: Array(repeating: nil, count: count)))
    }

    var hasFailed: Bool { state.withLock { $0.error != nil } }

    func set(_ result: Result, at index: Int) {
        state.withLock { $0.results[index] = result }
    }

    func fail(_ error: StoreError) {
        state.withLock { $0.error = $0.error ?? error }
    }

    func get() throws(StoreError) -> [Result] {
        try state.withLock { (state) throws(StoreError) in
            if let error = state.error { throw error }
            return state.results.compactMap(\.self)
        }
    }
}
