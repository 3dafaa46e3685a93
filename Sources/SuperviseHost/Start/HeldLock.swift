import SuperviseFormats
import SuperviseStore
import SuperviseSystem

/// Words for a lock whose supervisor is gone, and which its guard still holds.
struct HeldLock {
    let paths: RunPaths
    /// The supervisor that is gone.
    let pid: Int32?

    /// What to do where somebody has stopped the guard, so that it never ends by itself; nil where it
    /// works.
    func stoppedGuard(_ lock: String) -> String? {
        guard let keeper = LockKeeper.find(lock), keeper.isStopped else { return nil }
        return
            "the supervisor of run \(paths.name)\(number) is gone, and its guard, pid \(keeper.pid), which is "
            + "to end the job and then free the run, was stopped by somebody: let it go on with kill "
            + "-CONT \(keeper.pid), and start again"
    }

    /// Why it is still held.
    func sentence(_ lock: String) -> String {
        if let text = stoppedGuard(lock) { return text }
        let gone = "the supervisor of run \(paths.name)\(number) is gone"
        guard let keeper = LockKeeper.find(lock) else {
            return "\(gone), and something that cannot be seen from here still holds "
                + "\(HumanText.printable(lock)); start again when that has ended"
        }
        return
            "\(gone), and its guard, pid \(keeper.pid), is still ending what the job has left; start "
            + "again when that is done"
    }

    private var number: String { pid.map { ", pid \($0)," } ?? "" }
}
