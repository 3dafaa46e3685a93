import SuperviseFormats
import SuperviseSystem

/// Files of which only the compressed copy is there.
///
/// One that is restored is durable before it gets its name, so that whatever has a payload file's
/// name is whole; its copy stays.
extension CommittedCheckpoints {
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

/// What comes out of a copy.
extension CommittedCheckpoints {
    /// Restores one file, to nowhere or to a new file that is not synced.
    ///
    /// - Returns: false where other bytes came out than were committed, or the copy itself has rotted.
    /// - Throws: `tool`, where the copy is as it was written and the program did not restore it;
    ///   `unreadable`, `unwritable`, `cancelled`.
    func restore(
        _ copy: CompressedCopies.Copy, of id: CheckpointID,
        by program: CompressionProgram, bytes: Int64, digest: String, to target: String?,
        goOn: (Int) -> Bool
    ) throws(StoreError) -> Bool {
        let path = "\(paths.checkpoint(id))/\(copy.file.compressed)"
        let result = try filter(
            path, program, isRestoring: true, to: target, mode: copy.file.mode, limit: bytes, goOn)
        if result.status == .exited(0) {
            return result.size == bytes && result.digest.hex == digest
        }
        if result.status == nil { return false }
        let hashed = try reading { () throws(SystemError) in
            try files.hashFile(path, startsWriting: false) { _ in goOn(0) }
        }
        guard hashed.digest.hex == copy.digest else { return false }
        throw .tool(
            "\(program.rawValue) could not restore \(shown(path)), though it is as it was written")
    }

    /// Sends a file through a program, and tells whose fault it is where that cannot be done.
    func filter(
        _ path: String, _ program: CompressionProgram, isRestoring: Bool, to target: String?,
        mode: UInt32, limit: Int64, _ goOn: (Int) -> Bool
    ) throws(StoreError) -> FilteredFile {
        let filter = Filter(
            program: program.rawValue,
            arguments: isRestoring ? program.restoring : program.compressing,
            isRestoring: isRestoring, tools: tools)
        do throws(SystemError) {
            return try files.filterFile(
                path, through: filter, to: target, mode: mode, limit: limit, goOn: goOn)
        } catch {
            if error.call == "execve", !error.isShortage {
                throw .tool(
                    "\(program.rawValue) is needed for \(shown(path)) and cannot be run "
                        + "(\(errorText(error.code))); install it")
            }
            let isWriting = target.map { FilePath($0) } == FilePath(error.subject)
            throw isWriting ? StoreError(writing: error) : StoreError(reading: error)
        }
    }
}
