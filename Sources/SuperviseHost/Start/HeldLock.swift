import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// Words for a lock whose supervisor is gone, and which its guard still holds.
package struct HeldLock {
    let paths: RunPaths
    /// The supervisor that is gone.
    let pid: Int32?
    /// The command to repeat, for the reader of the message.
    let again: String

    package init(paths: RunPaths, pid: Int32?, again: String = "start again") {
        self.paths = paths
        self.pid = pid
        self.again = again
    }

    /// Whether a supervisor has ended, also where nobody has reaped it yet, as a shell does not
    /// until it is asked to wait.
    ///
    /// - Parameter limit: one that was killed a moment ago is still on its way out, so it gets that
    ///   moment.
    package static func hasEnded(
        _ pid: Int32, within limit: Duration = .milliseconds(250)
    ) -> Bool {
        do throws(SystemError) {
            let process = try ProcessHandle(opening: pid)
            return try process.waitForEnd(atMost: limit)
        } catch {
            // If nobody can tell, it has not ended.
            return error.isNoProcess
        }
    }

    /// What to do where somebody has stopped the guard, so that it never ends by itself; nil where it
    /// works.
    func stoppedGuard(_ lock: String) -> String? {
        guard let keeper = LockKeeper.find(lock), keeper.isStopped else { return nil }
        return
            "the supervisor of run \(paths.name)\(number) is gone, and its guard, pid \(keeper.pid), which is "
            + "to end the job and then free the run, was stopped by somebody: let it go on with kill "
            + "-CONT \(keeper.pid), and \(again)"
    }

    /// Why it is still held.
    package func sentence(_ lock: String) -> String {
        if let text = stoppedGuard(lock) { return text }
        let gone = "the supervisor of run \(paths.name)\(number) is gone"
        guard let keeper = LockKeeper.find(lock) else {
            return "\(gone), and something that cannot be seen from here still holds "
                + "\(HumanText.printable(lock)); \(again) when that has ended"
        }
        return
            "\(gone), and its guard, pid \(keeper.pid), is still ending what the job has left; "
            + "\(again) when that is done"
    }

    private var number: String { pid.map { ", pid \($0)," } ?? "" }
}
