import SuperviseFormats
import SuperviseSystem

/// Files that are gone, and how much of the disk they took.
package struct RemovedFiles: Equatable, Sendable {
    package var count = 0
    package var bytes: Int64 = 0

    package init() {}

    /// Whether no more need go; with nil all go.
    package func isEnough(of needed: Int64?) -> Bool { needed.map { bytes >= $0 } ?? false }
}

/// Old output and old events, which a full disk takes first.
extension RunStore {
    /// Whether removing them makes room for checkpoints: those may be on another disk.
    package func logsShareDisk() -> Bool {
        guard paths.isSplit else { return true }
        guard let run = try? files.status(paths.run),
            let payload = try? files.status(paths.payload)
        else { return false }
        return run.device == payload.device
    }

    /// Removes files of output, the oldest first, until so many bytes are gone; the newest stays. For a
    /// run that keeps no output now.
    package func removeOldOutput(_ needed: Int64?) throws(StoreError) -> RemovedFiles {
        try writing { () throws(SystemError) in
            try OutputLog(directory: paths.output, limit: 0, files: files).removeOld(needed)
        }
    }

    /// Waits until nobody reads a checkpoint; one that is not there is read by nobody.
    package func awaitRelease(_ id: CheckpointID) throws(StoreError) {
        _ = try reading { () throws(SystemError) in
            try unlessMissing { () throws(SystemError) in
                try files.awaitRelease(ofDirectory: paths.checkpoint(id))
            }
        }
    }
}
