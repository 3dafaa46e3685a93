import SuperviseFormats
import SuperviseSystem

/// Files of which only the compressed copy is there.
///
/// One that is restored is durable before it gets its name, so that whatever has a payload file's
/// name is whole; its copy stays.
extension RunStore {
    /// What files on their way back are called, with our pid behind it.
    static let restoring = "restoring."

    func hasCopies(_ id: CheckpointID) throws(StoreError) -> Bool {
        try exists("\(paths.checkpoint(id))/\(CheckpointFile.compressedChecksums)")
    }

    /// Compares the copies of the files that are absent, as deep as is ordered, and restores them
    /// where that is.
    ///
    /// - Returns: those that are there themselves now.
    /// - Throws: `bad` where a copy is missing or has rotted; `tool`, `unreadable`, `unwritable`.
    func takeCopies(
        of absent: [Manifest.File], _ listed: Listed, _ copies: CompressedCopies?,
        _ order: VerifyOrder, _ goOn: (Int) -> Bool
    ) throws(StoreError) -> [HashedPayloadFile] {
        var restored: [HashedPayloadFile] = []
        for file in absent {
            guard let copies, let copy = copies.copy(of: file.path) else {
                throw .bad("\(shown(file.path)) is missing")
            }
            try check(copy, of: listed.manifest.id, order, goOn)
            guard order.depth == .digest || order.restores else { continue }
            let task = Restoration(file: file, copy: copy, program: copies.list.program)
            if let file = try carryOut(task, listed, order, goOn) { restored.append(file) }
        }
        return restored
    }

    private struct Restoration {
        var file: Manifest.File
        var copy: CompressedCopies.Copy
        var program: CompressionProgram
    }

    private func check(
        _ copy: CompressedCopies.Copy, of id: CheckpointID, _ order: VerifyOrder,
        _ goOn: (Int) -> Bool
    ) throws(StoreError) {
        let path = "\(paths.checkpoint(id))/\(copy.file.compressed)"
        let size = try reading { () throws(SystemError) in try files.status(path).size }
        guard size == copy.file.bytes else {
            throw .bad(
                "\(shown(copy.file.compressed)): \(size) bytes instead of \(copy.file.bytes)")
        }
        guard order.depth == .digest else { return }
        let found = try reading { () throws(SystemError) in
            try files.hashFile(path, startsWriting: false) { _ in goOn(0) }
        }
        guard found.digest.hex == copy.digest else {
            throw .bad("\(shown(copy.file.compressed)): SHA-256 differs")
        }
    }

    private func carryOut(
        _ task: Restoration, _ listed: Listed, _ order: VerifyOrder, _ goOn: (Int) -> Bool
    ) throws(StoreError) -> HashedPayloadFile? {
        let id = listed.manifest.id
        let base = paths.checkpoint(id)
        let place = "\(base)/\(Self.restoring)\(processId())"
        if order.restores {
            try writing { () throws(SystemError) in try removeIfThere(place) }
        }
        let digest = listed.digest(of: task.file.path)
        do throws(StoreError) {
            let isGood = try restore(
                task.copy, of: id, by: task.program, bytes: task.file.bytes, digest: digest,
                to: order.restores ? place : nil, goOn: goOn)
            guard isGood else {
                throw .bad("\(shown(task.copy.file.compressed)): other bytes came out of it")
            }
        } catch {
            if order.restores { try? removeIfThere(place) }
            throw error
        }
        guard order.restores else { return nil }
        let path = "\(base)/\(task.file.path)"
        try writing { () throws(SystemError) in
            try files.syncFile(place)
            try makeParents(of: task.file.path, below: base)
            try files.rename(place, to: path)
        }
        let status = try reading { () throws(SystemError) in try files.status(path) }
        return Digest(hex: digest).map {
            HashedPayloadFile(path: task.file.path, status: status, digest: $0)
        }
    }

    /// Empty directories stay when files are compressed, unless somebody tidies up.
    private func makeParents(of path: FilePath, below base: String) throws(SystemError) {
        var here = base
        for name in path.components.dropLast() {
            here += "/\(name)"
            try files.makeDirectoryIfMissing(here)
        }
    }
}
