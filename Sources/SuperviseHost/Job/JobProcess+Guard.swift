import SuperviseCore
import SuperviseSystem

/// The guard, which ends the tree when we cannot.
extension JobProcess {
    /// Somebody has killed it: a new one watches from now on.
    func replaceGuard() {
        do throws(SystemError) {
            guardian = try Guard.start(holding: lock, group: group)
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
        guardian.release()
    }

    /// A number that is free may become a stranger's, so the guard forgets it.
    func forgetToken() {
        token = ""
        guardian.watchNothing()
    }
}
