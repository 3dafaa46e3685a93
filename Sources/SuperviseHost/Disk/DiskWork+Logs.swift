import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem

/// Old output and old events, removed for room; and the wait for those who read a checkpoint.
extension DiskWork {
    /// - Parameter writer: has the files of output that the job's goes to; nil where it is not kept.
    func removeLogs(bytes needed: Int64?, of writer: LogWriter?) {
        let (store, mailbox, cleaning) = (store, mailbox, cleaning)
        let removeEvents = { @Sendable (output: RemovedFiles) in
            cleaning.submit {
                let rest = needed.map { $0 - output.bytes }
                let isEnough = output.isEnough(of: needed)
                let events = isEnough ? nil : try? store.derived.removeOldEvents(rest)
                mailbox.post(
                    .logsRemoved(
                        .init(
                            outputFiles: output.count, eventFiles: events?.count ?? 0,
                            bytes: output.bytes + (events?.bytes ?? 0))))
            }
        }
        cleaning.submit {
            guard store.logsShareDisk() else { return mailbox.post(.logsRemoved(.init())) }
            if let writer { return writer.removeOld(needed, removeEvents) }
            removeEvents((try? store.derived.removeOldOutput(needed)) ?? RemovedFiles())
        }
    }

    func awaitRelease(_ id: CheckpointID) {
        let warn = warning
        let (store, mailbox) = (store, mailbox)
        waiting.submit {
            do throws(StoreError) {
                try store.checkpoints.awaitRelease(id)
                mailbox.post(.released(id))
            } catch {
                // The next removal looks at it again.
                warn("who reads checkpoint \(id) cannot be waited for: \(error)")
            }
        }
    }
}
