import SuperviseCore
import SuperviseSystem

/// The guard, which ends the tree when we cannot.
extension JobProcess {
    /// Somebody has killed it: a new one watches from now on. Where none can be started the core orders
    /// it again.
    func replaceGuard() {
        do throws(SystemError) {
            stopWatchingGuard()
            guardian = try Guard.start(
                of: guardian.attempt, holding: locks, group: group, settling: guardian.settling)
            hasNoGuard = false
            watchGuard()
            deliver(.warned("the guard was killed by somebody; started another"))
        } catch {
            let isFirst = !hasNoGuard
            // From now on its number may be that of a process of the job.
            hasNoGuard = true
            if isFirst {
                deliver(
                    .warned(
                        "the guard was killed and cannot be started again: \(error); should the "
                            + "supervisor be killed, the job would live on until the next start"))
            }
            deliver(.hindered(.guardian))
        }
    }

    /// While we end what an earlier supervisor has left the guard is ready to do it in our place.
    ///
    /// - Parameter runToken: the run's half of the token.
    func guardLeftovers(ofRunToken runToken: String) {
        // Our ancestors may bear it, too: we spare them, but the guard would have no ancestors any more.
        guard !ProcessTree.weBear(runToken: runToken) else { return }
        guardian.attempt.begin(leftoversOf: runToken)
    }

    /// None of them is left.
    func leftoversAreGone() { guardian.attempt.end() }

    /// Ends the guard, where nobody is left for it to end: else it stays, and the lock with it,
    /// until what outlived us is gone.
    func release() {
        guard guardian.attempt.isEmpty else { return }
        group?.remove()
        stopWatchingGuard()
        guardian.release()
    }

    func watchGuard() {
        // It is looked for whenever a child has ended, too.
        let number = guardian.process.descriptor
        // A sandbox may refuse pidfds: then it is only looked for.
        guard number >= 0 else { return }
        guardWatch = try? loop.watch(number, for: .read, rank: .first) {
            [unowned self] _ in reap()
        }
    }

    private func stopWatchingGuard() {
        if let guardWatch { loop.cancel(guardWatch) }
        guardWatch = nil
    }
}
