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

extension RunStore {
    /// - Parameter hashed: of the whole payload.
    /// - Throws: `repeats` where a checkpoint holds the same and the order does not want it again.
    func refuseRepeat(
        _ order: CommitOrder, _ hashed: [HashedPayloadFile], _ links: [Manifest.Link],
        top: FilePath
    ) throws(StoreError) {
        guard let takes = order.takesAgain else { return }
        if taken.beginReading() { readTakenContents() }
        let digest = contentDigest(hashed.map { ($0.path, $0.digest.hex) }, links, top: top)
        guard let known = taken.find(digest) else { return }
        // It was not written anew, where it is the very file that was taken.
        let isSame = known.file != nil && known.file == order.content
        if isSame || !takes(known) { throw .repeats(known.id) }
    }

    /// After the checkpoint was made.
    func noteTaken(
        _ manifest: Manifest, _ hashed: [HashedPayloadFile], from source: FilePath?,
        _ order: CommitOrder
    ) {
        guard let source else { return }
        let files = hashed.map { ($0.path, $0.digest.hex) }
        // By the name that was reported, where a link leads to it.
        var content = TakenContent(id: manifest.id, source: order.source ?? source)
        if order.content?.bytes != nil { content.file = order.content }
        taken.note(contentDigest(files, manifest.links, top: manifest.top), content)
    }

    /// What cannot be read is not known.
    private func readTakenContents() {
        guard let all = try? checkpointEntries() else { return }
        for (id, _) in all.suffix(TakenContents.mostRead) {
            guard case .success(let manifest)? = try? readManifest(id),
                let sums = try? document("\(paths.checkpoint(id))/\(CheckpointFile.checksums)"),
                let entries = try? Checksums.parse(String(decoding: sums, as: UTF8.self))
            else { continue }
            let names = Set(manifest.files.map(\.path))
            let files = entries.filter { names.contains($0.path) }.map { ($0.path, $0.digest) }
            guard files.count == names.count else { continue }
            taken.note(
                contentDigest(files, manifest.links, top: manifest.top),
                TakenContent(id: id, source: manifest.source))
        }
    }

    /// Of names below the top one, and what they hold. The top's own name makes no difference.
    private func contentDigest(
        _ files: [(FilePath, String)], _ links: [Manifest.Link], top: FilePath
    ) -> Digest {
        func name(_ path: FilePath) -> String { path.below(top)?.text ?? "" }
        let lines =
            files.map { "file \($1) \(name($0))\0" }
            + links.map { "link \(name($0.path))\0\($0.target)\0" }
        return Digest.of(
            lines.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
                .flatMap(\.self))
    }
}
