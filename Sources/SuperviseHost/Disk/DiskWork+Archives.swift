import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem

/// Archived runs, on the lane that nobody waits for.
extension DiskWork {
    func listArchives() {
        let warn = warning
        submit(to: cleaning) { store in
            do throws(StoreError) {
                return .archives(try store.archives.list())
            } catch {
                warn("the archived runs cannot be looked at, and all of them stay: \(error)")
                return .archives([])
            }
        }
    }

    func removeArchive(_ time: String) {
        let warn = warning
        submit(to: cleaning) { store in
            do throws(StoreError) {
                return .archiveRemoved(time, bytes: try store.archives.remove(time))
            } catch {
                let run = RunReference(store.paths.name, time: time)
                warn("the archived run \(run) could not be removed: \(error)")
                return .archiveRemoved(time, bytes: nil)
            }
        }
    }

    func trimArchive(_ time: String, removing ids: [CheckpointID]) {
        let warn = warning
        submit(to: cleaning) { store in
            do throws(StoreError) {
                let trimmed = try store.archives.trim(time, removing: ids)
                return .archiveTrimmed(time, gone: trimmed.gone, bytes: trimmed.bytes)
            } catch {
                let run = RunReference(store.paths.name, time: time)
                warn("old checkpoints of the archived run \(run) could not be removed: \(error)")
                return .archiveTrimmed(time, gone: [], bytes: 0)
            }
        }
    }
}

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
