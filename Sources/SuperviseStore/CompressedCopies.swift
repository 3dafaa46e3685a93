import SuperviseFormats
import SuperviseSystem

/// What a checkpoint's lists tell of its compressed copies.
struct CompressedCopies {
    struct Copy {
        var file: CompressedList.File
        /// 64 hexadecimal digits, of the copy.
        var digest: String
    }

    var program: CompressionProgram
    var copies: [Copy]
    /// By the payload file's path.
    private let places: [FilePath: Int]

    init(program: CompressionProgram, copies: [Copy]) {
        self.program = program
        self.copies = copies
        places = Dictionary(
            copies.indices.map { (copies[$0].file.path, $0) },
            uniquingKeysWith: { first, _ in first })
    }

    var list: CompressedList { CompressedList(program: program, files: copies.map(\.file)) }

    /// By the payload file's path.
    func copy(of path: FilePath) -> Copy? {
        places[path].map { copies[$0] }
    }
}

extension RunStore {
    /// The compressed copies of a checkpoint; nil where there are none, or not all of them yet.
    ///
    /// - Throws: `unreadable`, `newerFormat`; where the lists are damaged, that is the result.
    func readCopies(_ id: CheckpointID) throws(StoreError) -> Result<CompressedCopies?, Damage> {
        let base = paths.checkpoint(id)
        guard let sums = try document("\(base)/\(CheckpointFile.compressedChecksums)") else {
            return .success(nil)
        }
        let listPath = "\(base)/\(CheckpointFile.compressedList)"
        guard let bytes = try document(listPath) else {
            return .failure(Damage(reason: "\(CheckpointFile.compressedList) is missing"))
        }
        guard let text = String(validating: sums, as: UTF8.self),
            let entries = try? Checksums.parse(text)
        else { return .failure(Damage(reason: "\(CheckpointFile.compressedChecksums) is damaged")) }
        let digests = Dictionary(
            entries.map { ($0.path, $0.digest) },
            uniquingKeysWith: { first, _ in first })
        // Before the list is believed, also where it says that it is newer than we are.
        guard digests[FilePath(CheckpointFile.compressedList)] == Digest.of(bytes).hex else {
            return .failure(Damage(reason: "\(CheckpointFile.compressedList): SHA-256 differs"))
        }
        let list = try decode(CompressedList.self, from: bytes, in: listPath)
        let copies = list.files.compactMap { file in
            digests[file.compressed].map {
                CompressedCopies.Copy(file: file, digest: $0)
            }
        }
        let areInside = list.files.allSatisfy { file in
            file.compressed.isBelow(CheckpointFile.compressed)
                && file.path.isBelow(CheckpointFile.data)
                && !(file.compressed.components + file.path.components).contains("..")
        }
        guard copies.count == list.files.count, areInside else {
            let name = CheckpointFile.compressedChecksums
            return .failure(Damage(reason: "\(name) does not list the compressed files"))
        }
        return .success(CompressedCopies(program: list.program, copies: copies))
    }

    /// How much of the disk a checkpoint takes by now; nil where none of its files, or not all that
    /// are to be, are compressed. Does not look whether the lists are right.
    package func compressedBytes(of manifest: Manifest) throws(StoreError) -> Int64? {
        let base = paths.checkpoint(manifest.id)
        guard try exists("\(base)/\(CheckpointFile.compressedChecksums)"),
            let bytes = try document("\(base)/\(CheckpointFile.compressedList)"),
            let list = try? JSONText.decode(CompressedList.self, from: bytes)
        else { return nil }
        var saved: Int64 = 0
        let sizes = Dictionary(
            manifest.files.map { ($0.path, $0.bytes) },
            uniquingKeysWith: { first, _ in first })
        for file in list.files {
            if try exists("\(base)/\(file.path)") { return nil }
            saved += (sizes[file.path] ?? 0) - file.bytes
        }
        return manifest.bytes - saved
    }
}

/// What comes out of a copy.
extension RunStore {
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
