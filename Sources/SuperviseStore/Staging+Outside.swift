import SuperviseFormats
import SuperviseSystem

/// Payloads that stay where the job wrote them.
extension Staging {
    func leaveOutside(
        _ outside: OutsidePayload, _ order: CommitOrder, _ context: CommitContext
    ) throws(StoreError) -> CheckpointSummary {
        let base = try makeDirectory(order.id)
        let payload = try acting(as: owner) { () throws(StoreError) in
            try self.payload(at: outside.path.text, context.content)
        }
        let hashed = try hashAndSync(payload, base: "", order.id, context)
        try refuseRepeat(context, hashed, payload.links, top: outside.path)
        try acting(as: owner) { () throws(StoreError) in
            try syncDirectories(payload, base: "")
            try syncNames(above: outside.path.text)
        }
        let manifest = manifest(
            order, context, hashed, payload.links,
            single: payload.directories.isEmpty ? outside.path : nil, outside: outside)
        try write(manifest, hashed, base: base)
        try writing { () throws(SystemError) in try files.syncDirectory(base) }
        let now = try acting(as: owner) { () throws(StoreError) in
            try Payload.outside(files, outside.path)
        }
        try checkUnchanged(payload, now, base: "")
        try context.goOn()
        let summary = try publish(manifest, hashed, base)
        noteTaken(manifest, hashed, from: outside.path, order, context)
        return summary
    }

    /// The job may have made the directories above just now. Those that were synced before, and are
    /// the same, need it no more; the lowest has a new name in it every time.
    private func syncNames(above path: String) throws(StoreError) {
        try writing { () throws(SystemError) in
            let device = try files.status(path).device
            var directory = parent(of: path)
            try files.syncDirectoryIfReadable(directory)
            while directory != "/" {
                let status = try files.status(directory)
                guard status.device == device,
                    inodeOfDurableName(FilePath(directory)) != status.inode
                else { return }
                try files.syncDirectoryIfReadable(parent(of: directory))
                noteDurableName(FilePath(directory), inode: status.inode)
                directory = parent(of: directory)
            }
        }
    }
}

/// What a commit compares with the contents that were taken before.
extension Staging {
    /// - Parameter hashed: of the whole payload.
    /// - Throws: `repeats` where a checkpoint holds the same and the order does not want it again.
    func refuseRepeat(
        _ context: CommitContext, _ hashed: [HashedPayloadFile], _ links: [Manifest.Link],
        top: FilePath
    ) throws(StoreError) {
        guard let takes = context.takesAgain else { return }
        if taken.beginReading() { readTakenContents() }
        let digest = contentDigest(hashed.map { ($0.path, $0.digest.hex) }, links, top: top)
        guard let known = taken.find(digest) else { return }
        // It was not written anew, where it is the very file that was taken.
        let isSame = known.file != nil && known.file == context.content
        if isSame || !takes(known) { throw .repeats(known.id) }
    }

    /// After the checkpoint was made.
    func noteTaken(
        _ manifest: Manifest, _ hashed: [HashedPayloadFile], from source: FilePath?,
        _ order: CommitOrder, _ context: CommitContext
    ) {
        guard let source else { return }
        let files = hashed.map { ($0.path, $0.digest.hex) }
        // By the name that was reported, where a link leads to it.
        var content = TakenContent(id: manifest.id, source: order.source ?? source)
        if context.content?.bytes != nil { content.file = context.content }
        taken.note(contentDigest(files, manifest.links, top: manifest.top), content)
    }

    /// What cannot be read is not known.
    private func readTakenContents() {
        guard let all = try? checkpoints.directories() else { return }
        for (id, _) in all.suffix(TakenContents.mostRead) {
            guard case .success(let manifest)? = try? checkpoints.readManifest(id),
                let sums = try? document("\(paths.checkpoint(id))/\(CheckpointFile.checksums)"),
                let entries = Checksums.parse(sums)
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
