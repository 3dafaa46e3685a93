import Synchronization

/// Raised by one thread, seen by others.
final class CancelFlag: Sendable {
    private let value = Atomic(false)

    var isRaised: Bool { value.load(ordering: .relaxed) }

    /// - Returns: whether it was not raised before.
    @discardableResult
    func raise() -> Bool {
        !value.exchange(true, ordering: .relaxed)
    }

    func lower() {
        value.store(false, ordering: .relaxed)
    }
}
