import SuperviseFormats
import SuperviseSystem

/// How a checkpoint that nobody needs soon is made smaller.
///
/// `manifest.json` and `SHA256SUMS` stay as they are: they tell of the payload, wherever it is. The
/// copies stand in `compressed/`, told of by `compressed.json`, and `SHA256SUMS.compressed` vouches
/// for both. That comes last, when all else is durable and each copy was restored and compared; only
/// then the payload files go, one by one. So at every moment each file is there, itself or its copy:
/// where it is itself, that counts.
package struct Compressor: RunPart {
    package let place: RunPlace
    let checkpoints: CommittedCheckpoints

    init(_ place: RunPlace, checkpoints: CommittedCheckpoints) {
        self.place = place
        self.checkpoints = checkpoints
    }

    /// Compresses the files of a checkpoint that become smaller by it. May be called again where it
    /// was interrupted.
    ///
    /// - Parameter isCancelled: asked for each piece of what comes out.
    /// - Returns: how many bytes of the disk it takes now, as many as before where nothing of it became
    ///   smaller; nil where somebody is reading it.
    /// - Throws: `tool`, `cancelled`, `unreadable`, `unwritable`, `bad` and `badPath` where
    ///   it is not what was committed; the payload is then as it was.
    package func compress(
        _ id: CheckpointID, with program: CompressionProgram,
        isCancelled: @escaping () -> Bool = { false }
    ) throws(StoreError) -> Int64? {
        let reader = try checkpoints.hold(id)
        let listed = try checkpoints.lists(of: id)
        // What is not kept here is not ours to make smaller.
        if listed.manifest.outside != nil { return listed.manifest.bytes }
        var copies = try checkpoints.copies(of: id)
        if let known = copies, try !check(known, listed, isCancelled) { copies = nil }
        if copies == nil {
            try removeCopies(id)
            do throws(StoreError) {
                copies = try makeCopies(listed, program, isCancelled)
            } catch {
                // Above all a disk that is full needs the room.
                try? removeCopies(id)
                throw error
            }
        }
        reader.release()
        guard let copies, !isCancelled() else { throw .cancelled }
        guard let alone = try writing({ () throws(SystemError) in try checkpoints.holdAlone(id) })
        else {
            return nil
        }
        try removeOriginals(copies, of: id)
        withExtendedLifetime(alone) {}
        checkpoints.verified.forget(id)
        return try checkpoints.compressedBytes(of: listed.manifest) ?? listed.manifest.bytes
    }

    /// Whether the copies of all files that are still there themselves are good.
    ///
    /// - Throws: `badPath` where one is not, and another is needed already.
    private func check(
        _ copies: CompressedCopies, _ listed: CommittedCheckpoints.Listed, _ isCancelled: () -> Bool
    ) throws(StoreError) -> Bool {
        let base = paths.checkpoint(listed.manifest.id)
        var isNeeded = false
        var bad: String?
        for file in listed.manifest.files {
            guard let copy = copies.copy(of: file.path) else { continue }
            guard try exists("\(base)/\(file.path)") else {
                isNeeded = true
                continue
            }
            let isGood = try checkpoints.restore(
                copy, of: listed.manifest.id, by: copies.program, bytes: file.bytes,
                digest: listed.digest(of: file.path), to: nil, goOn: { _ in !isCancelled() })
            if !isGood { bad = copy.file.compressed.text }
        }
        guard let bad else { return true }
        if isNeeded { throw .badPath("\(base)/\(bad)", reason: "has rotted (SHA-256 differs)") }
        return false
    }

    /// Copies that nobody needs: first what vouches for them.
    private func removeCopies(_ id: CheckpointID) throws(StoreError) {
        let base = paths.checkpoint(id)
        try writing { () throws(SystemError) in
            let marker = "\(base)/\(CheckpointFile.compressedChecksums)"
            let was: Void? = try unlessMissing { () throws(SystemError) in
                try files.removeFile(marker)
            }
            if was != nil { try files.syncDirectory(base) }
            try removeIfThere("\(marker).tmp")
            try removeIfThere("\(base)/\(CheckpointFile.compressedList)")
            _ = try unlessMissing { () throws(SystemError) in
                try files.removeTree("\(base)/\(CheckpointFile.compressed)")
            }
        }
    }

    private func removeOriginals(
        _ copies: CompressedCopies, of id: CheckpointID
    ) throws(StoreError) {
        let base = paths.checkpoint(id)
        try writing { () throws(SystemError) in
            for copy in copies.copies { try removeIfThere("\(base)/\(copy.file.path)") }
            // What a restore that was cut short has left.
            for entry in try entries(base)
            where entry.name.utf8.starts(with: CommittedCheckpoints.restoring.utf8) {
                try removeIfThere("\(base)/\(entry.name)")
            }
        }
    }
}

/// The copies on their way to the disk.
extension Compressor {
    private func makeCopies(
        _ listed: CommittedCheckpoints.Listed, _ program: CompressionProgram,
        _ isCancelled: () -> Bool
    ) throws(StoreError) -> CompressedCopies {
        let base = paths.checkpoint(listed.manifest.id)
        let top = FilePath(base).appending(CheckpointFile.compressed.text)
        var copies: [CompressedCopies.Copy] = []
        var directories: Set = [top]
        try writing { () throws(SystemError) in try files.makeDirectory(top.text) }
        for file in listed.manifest.files where file.bytes > limits.block {
            if isCancelled() { throw .cancelled }
            let copy = file.path.moved(from: CheckpointFile.data, to: CheckpointFile.compressed)
            let compressed: FilePath = "\(copy)\(program.suffix)"
            do throws(StoreError) {
                try makeParents(of: "\(base)/\(compressed)", &directories)
                if let made = try makeCopy(file, compressed, listed, program, isCancelled) {
                    copies.append(made)
                }
            } catch {
                // A name that cannot be made longer, or that the copy of another file has, as of
                // `a` beside a directory `a.gz`: this file stays as it is.
                guard let system = error.systemError, FilePath(system.subject).isBelow(top),
                    system.isTooLongAPath || system.isTaken
                else { throw error }
            }
        }
        let all = CompressedCopies(program: program, copies: copies)
        try write(all, directories, base: base)
        return all
    }

    private func makeParents(
        of path: FilePath, _ directories: inout Set<FilePath>
    ) throws(StoreError) {
        var missing: [FilePath] = []
        var next = path.parent
        while !directories.contains(next) {
            missing.append(next)
            next = next.parent
        }
        for directory in missing.reversed() {
            try writing { () throws(SystemError) in try files.makeDirectory(directory.text) }
            directories.insert(directory)
        }
    }

    /// - Returns: nil where it would not be smaller.
    private func makeCopy(
        _ file: Manifest.File, _ compressed: FilePath, _ listed: CommittedCheckpoints.Listed,
        _ program: CompressionProgram, _ isCancelled: () -> Bool
    ) throws(StoreError) -> CompressedCopies.Copy? {
        let id = listed.manifest.id
        let (source, target) = (
            "\(paths.checkpoint(id))/\(file.path)", "\(paths.checkpoint(id))/\(compressed)"
        )
        let mode = try reading { () throws(SystemError) in try files.status(source).mode }
        let most = (file.bytes - 1) / limits.block * limits.block
        let goOn = { (_: Int) in !isCancelled() }
        let made = try checkpoints.filter(
            source, program, isRestoring: false, to: target, mode: 0o600, limit: most, goOn)
        guard let status = made.status else {
            try writing { () throws(SystemError) in try files.removeFile(target) }
            return nil
        }
        guard status == .exited(0) else {
            throw .tool("\(program.rawValue) failed at \(shown(source)) (\(status))")
        }
        let copy = CompressedCopies.Copy(
            file: .init(path: file.path, compressed: compressed, bytes: made.size, mode: mode),
            digest: made.digest.hex)
        try writing { () throws(SystemError) in try files.syncFile(target) }
        let isGood = try checkpoints.restore(
            copy, of: id, by: program, bytes: file.bytes, digest: listed.digest(of: file.path),
            to: nil, goOn: goOn)
        guard isGood else {
            throw .badPath(source, reason: "is not what was committed (SHA-256 differs)")
        }
        return copy
    }

    /// The lists, and with the last of them the whole.
    private func write(
        _ copies: CompressedCopies, _ directories: Set<FilePath>, base: String
    ) throws(StoreError) {
        let listPath = "\(base)/\(CheckpointFile.compressedList)"
        let marker = "\(base)/\(CheckpointFile.compressedChecksums)"
        let bytes = try encode(copies.list, for: listPath)
        var entries = [
            Checksums.Entry(
                digest: Digest.of(bytes).hex, path: FilePath(CheckpointFile.compressedList))
        ]
        entries += copies.copies.map {
            Checksums.Entry(digest: $0.digest, path: $0.file.compressed)
        }
        try writing { () throws(SystemError) in
            try files.writeFile(listPath, bytes)
            try files.syncFile(listPath)
            // Each before the one that it is in.
            for directory in directories.sorted(by: >) { try files.syncDirectory(directory.text) }
            try files.writeFile("\(marker).tmp", Array(Checksums.format(entries).utf8))
            try files.syncFile("\(marker).tmp")
            try files.syncDirectory(base)
            try files.rename("\(marker).tmp", to: marker)
            try files.syncDirectory(base)
        }
    }
}
