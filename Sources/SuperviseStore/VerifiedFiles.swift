import SuperviseFormats
import SuperviseSystem
import Synchronization

/// The payload files that this process has hashed, as they were then.
///
/// A file whose inode, size, and times of modification and change are the same has the same content,
/// as far as the file system can be believed; what rots below it is found by the full verification
/// at the next start. Any thread may use it.
///
/// A payload may have a great many files, so that of each only a fingerprint is kept: of its path, its
/// status and its digest.
package final class VerifiedFiles: Sendable {
    private struct Known {
        /// Of each checkpoint, in order.
        var prints: [CheckpointID: [UInt128]] = [:]
    }

    private let known = Mutex(Known())

    package init() {}

    /// Nothing counts as verified any more, as before going back after failures.
    package func forgetAll() {
        known.withLock { $0.prints.removeAll() }
    }

    func forget(_ id: CheckpointID) {
        known.withLock { $0.prints[id] = nil }
    }

    func add(_ files: [HashedPayloadFile], of id: CheckpointID) {
        let prints = files.map { Self.fingerprint($0.path, $0.status, $0.digest) }.sorted()
        known.withLock { $0.prints[id] = prints }
    }

    /// Whether the file is still the one that was hashed, and that gave this digest.
    func contains(
        _ path: FilePath, _ status: FileStatus, _ digest: Digest, in id: CheckpointID
    ) -> Bool {
        let wanted = Self.fingerprint(path, status, digest)
        return known.withLock { known in
            guard let prints = known.prints[id] else { return false }
            var (low, high) = (0, prints.count)
            while low < high {
                let middle = (low + high) / 2
                if prints[middle] < wanted { low = middle + 1 } else { high = middle }
            }
            return low < prints.count && prints[low] == wanted
        }
    }

    /// Of all that ``FileStatus/isUnchanged(_:)`` compares, and of the path and the digest.
    private static func fingerprint(
        _ path: FilePath, _ status: FileStatus, _ digest: Digest
    ) -> UInt128 {
        var bytes = digest.bytes
        bytes.append(status.kind == .file ? 1 : 0)
        for number in [
            status.inode, status.device, UInt64(bitPattern: status.size),
            UInt64(bitPattern: status.modified), UInt64(bitPattern: status.changed),
        ] {
            withUnsafeBytes(of: number) { bytes += $0 }
        }
        bytes += path.text.utf8
        return Digest.of(bytes).bytes.prefix(16).reduce(0) { $0 << 8 | UInt128($1) }
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

/// Does something with each of several things: on this thread, and beside it on those of a lane that
/// are free.
///
/// Where one fails, nothing else is begun; which error is thrown where several fail is open.
///
/// - Parameter lane: nil does all of it here, in order.
/// - Returns: the results, in the order of what they are of.
func forEach<Item: Sendable, Result: Sendable>(
    _ items: [Item], beside lane: WorkerLane?,
    _ body: @escaping @Sendable (Item) throws(StoreError) -> Result
) throws(StoreError) -> [Result] {
    let found = ResultList<Result>(count: items.count)
    WorkerLane.spread(items.count, beside: lane) { index in
        if found.hasFailed { return }
        do throws(StoreError) {
            found.set(try body(items[index]), at: index)
        } catch {
            found.fail(error)
        }
    }
    return try found.get()
}

/// What several threads have found.
private final class ResultList<Result: Sendable>: Sendable {
    private struct State: Sendable {
        var results: [Result?]
        var error: StoreError?
    }

    private let state: Mutex<State>

    init(count: Int) {
        state = Mutex(State(results: Array(repeating: nil, count: count)))
    }

    var hasFailed: Bool { state.withLock { $0.error != nil } }

    func set(_ result: Result, at index: Int) {
        state.withLock { $0.results[index] = result }
    }

    func fail(_ error: StoreError) {
        state.withLock { $0.error = $0.error ?? error }
    }

    func get() throws(StoreError) -> [Result] {
        try state.withLock { (state) throws(StoreError) in
            if let error = state.error { throw error }
            return state.results.compactMap(\.self)
        }
    }
}
