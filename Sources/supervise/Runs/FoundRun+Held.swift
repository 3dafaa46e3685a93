import SuperviseCore
import SuperviseHost
import SuperviseStore
import SuperviseSystem

/// The holder of a run's lock: its supervisor, or processes that a dead supervisor has left.
extension FoundRun {
    /// Whether one that lives has it, and not only the guard of one that is gone.
    ///
    /// - Parameter limit: how long one that was just killed may take to end.
    func isHeldByLiving(
        within limit: Duration = .milliseconds(250)
    ) throws(Complaint) -> Bool {
        guard case .process(let pid) = try lockHolder() else { return false }
        // Elsewhere its number means another process, or none; it has the lock, so it lives.
        guard store.distance(toHolder: pid) == .here else { return true }
        // One that has not written its number yet has just started.
        return pid.map { !HeldLock.hasEnded($0, within: limit) } ?? true
    }

    /// Why it is still held though its supervisor is gone; nil where it is free, or one that lives
    /// has it.
    ///
    /// - Parameter again: what to do when it is free.
    func whyStillHeld(_ again: String) throws(Complaint) -> String? {
        guard case .process(let pid?) = try lockHolder() else { return nil }
        return whyStillHeld(by: pid, again)
    }

    /// - Parameter pid: whose number is in the lock.
    func whyStillHeld(by pid: Int32, _ again: String) -> String? {
        guard store.distance(toHolder: pid) == .here, HeldLock.hasEnded(pid) else { return nil }
        let held = HeldLock(paths: store.paths, pid: pid, again: again)
        return held.sentence(store.paths.lock)
    }

    private func lockHolder() throws(Complaint) -> FileLock.Holder {
        do throws(StoreError) {
            return try RunLock.holder(store.paths)
        } catch {
            throw Complaint("run \(name): \(error)")
        }
    }
}
