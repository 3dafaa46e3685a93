import SuperviseCore
import SuperviseSystem

/// The guard, which ends the tree when we cannot.
extension JobProcess {
    /// Somebody has killed it: a new one watches from now on.
    func replaceGuard() {
        do throws(SystemError) {
            stopWatchingGuard()
            guardian = try Guard.start(holding: lock, group: group)
            watchGuard()
            guardian.watch(leader: leader?.pid ?? 0, token: token)
            deliver(.warned("the guard was killed by somebody; started another"))
        } catch {
            deliver(
                .warned(
                    "the guard was killed and cannot be started again: \(error); should the "
                        + "supervisor be killed, the job would live on until the next start"))
        }
    }

    /// Ends the guard, where nobody is left for it to end: else it stays, and the lock with it,
    /// until what outlived us is gone.
    func release() {
        guard token.isEmpty else { return }
        group?.remove()
        stopWatchingGuard()
        guardian.release()
    }

    func watchGuard() {
        // It is looked for whenever a child has ended, too.
        let number = guardian.process.descriptor
        guardWatch = try? loop.watch(number, for: .read) { [unowned self] _ in reap() }
    }

    private func stopWatchingGuard() {
        if let guardWatch { loop.cancel(guardWatch) }
        guardWatch = nil
    }

    /// A number that is free may become a stranger's, so the guard forgets it; unless it hears of
    /// another attempt at once.
    func forgetToken() {
        token = ""
        loop.whenQuiet { [weak self] in
            if let self, token.isEmpty { guardian.watchNothing() }
        }
    }
}
