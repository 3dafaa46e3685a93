import SuperviseFormats
import SuperviseSystem

/// The lock of a run: who holds it may write. ``StateDirectory/prepare()`` makes room for it.
package enum RunLock {
    /// Takes it without waiting. It is the caller's to share with the guard.
    package static func acquire(_ paths: RunPaths) throws(StoreError) -> FileLock.Attempt {
        try acquire(paths.lock)
    }

    /// - Parameter path: ``RunPaths/lock``, or ``RunPaths/payloadLock``.
    package static func acquire(_ path: String) throws(StoreError) -> FileLock.Attempt {
        try writing { () throws(SystemError) in try FileLock.take(path) }
    }

    /// Takes it for a moment, to settle the run: a start of the run meanwhile waits.
    package static func acquireToSettle(
        _ paths: RunPaths
    ) throws(StoreError) -> FileLock.Attempt {
        try writing { () throws(SystemError) in try FileLock.take(paths.lock, writesPID: false) }
    }

    /// The one that the guard has handed to us; nil where it has not executed us.
    package static func settling(_ paths: RunPaths) throws(StoreError) -> FileLock? {
        try reading { () throws(SystemError) in try FileLock.settling(paths.lock) }
    }

    /// Who holds it, asked without touching it.
    package static func holder(_ paths: RunPaths) throws(StoreError) -> FileLock.Holder {
        try reading { () throws(SystemError) in try FileLock.holder(paths.lock) }
    }
}
