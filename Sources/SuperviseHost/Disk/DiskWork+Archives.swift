import SuperviseCore
import SuperviseFormats
import SuperviseStore

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
