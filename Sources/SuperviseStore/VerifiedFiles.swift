import SuperviseFormats
import SuperviseSystem
import Synchronization

/// The payload files that this process has hashed, as they were then.
///
/// A file whose inode, size, and times of modification and change are the same has the same content,
/// as far as the file system can be believed; what rots below it is found by the full verification
/// at the next start. Any thread may use it.
package final class VerifiedFiles: Sendable {
    private struct Known {
        var status: FileStatus
        var digest: Digest
    }

    private let known = Mutex<[CheckpointID: [FilePath: Known]]>([:])

    package init() {}

    /// Nothing counts as verified any more, as before going back after failures.
    package func forgetAll() {
        known.withLock { $0.removeAll() }
    }

    func forget(_ id: CheckpointID) {
        known.withLock { $0[id] = nil }
    }

    func add(_ files: [HashedPayloadFile], of id: CheckpointID) {
        let entries = files.map { ($0.path, Known(status: $0.status, digest: $0.digest)) }
        let byPath = Dictionary(entries, uniquingKeysWith: { first, _ in first })
        known.withLock { $0[id] = byPath }
    }

    /// The digest that the file had, where it is still the one that was hashed.
    func digest(of path: FilePath, _ status: FileStatus, in id: CheckpointID) -> Digest? {
        known.withLock { known in
            guard let entry = known[id]?[path], entry.status.isUnchanged(status) else { return nil }
            return entry.digest
        }
    }
}

extension FileStatus {
    /// Whether nobody has written to the file in between.
    func isUnchanged(_ other: FileStatus) -> Bool {
        kind == other.kind && inode == other.inode && device == other.device
            && size == other.size && modified == other.modified && changed == other.changed
    }
}

/// A payload file and what was found in it.
struct HashedPayloadFile: Sendable {
    /// Below the checkpoint's directory.
    var path: FilePath
    var status: FileStatus
    var digest: Digest
}
