import SuperviseFormats
import SuperviseSystem
import Synchronization

/// What the checkpoints hold that were taken from outside, by digest: so a copy of it is known for one.
///
/// It remembers what this process took, also when a checkpoint is gone by now (the order decides whether
/// that still counts), and of what was there before, the newest ones. Any thread may use it.
final class TakenContents: Sendable {
    private struct State {
        var byDigest: [Digest: TakenContent] = [:]
        /// In the order in which they were taken.
        var order: [Digest] = []
        var hasRead = false
    }

    /// So many are remembered.
    static let most = 4096
    /// So many are read from the disk.
    static let mostRead = 16

    private let state = Mutex(State())

    func find(_ digest: Digest) -> TakenContent? { state.withLock { $0.byDigest[digest] } }

    func note(_ digest: Digest, _ content: TakenContent) {
        state.withLock { state in
            if state.byDigest.updateValue(content, forKey: digest) == nil {
                state.order.append(digest)
            }
            if state.order.count > Self.most {
                state.byDigest[state.order.removeFirst()] = nil
            }
        }
    }

    /// A checkpoint that is bad holds nothing.
    func forget(_ id: CheckpointID) {
        state.withLock { state in
            let gone = state.byDigest.filter { $0.value.id == id }.map(\.key)
            for digest in gone { state.byDigest[digest] = nil }
            state.order.removeAll { gone.contains($0) }
        }
    }

    /// - Returns: whether this is the first call.
    func beginReading() -> Bool {
        state.withLock { state in
            defer { state.hasRead = true }
            return !state.hasRead
        }
    }
}

/// A content that a checkpoint holds.
package struct TakenContent: Equatable, Sendable {
    package var id: CheckpointID
    /// Where it was taken from; nil where an earlier process did that.
    package var source: FilePath?
    /// The very file; nil where that is not known, and for a directory.
    var file: ContentMark?

    package init(id: CheckpointID, source: FilePath?) {
        self.id = id
        self.source = source
    }
}
