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

extension CommittedCheckpoints {
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
        guard let entries = Checksums.parse(sums) else {
            return .failure(Damage(reason: "\(CheckpointFile.compressedChecksums) is damaged"))
        }
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
