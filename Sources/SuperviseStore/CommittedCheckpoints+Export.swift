import SuperviseFormats
import SuperviseSystem

/// Copies a checkpoint's payload out, for use elsewhere.
extension CommittedCheckpoints {
    /// Copies the payload, as a job would get it: a directory, or the file if it is a single one.
    ///
    /// Compressed files are restored into the copy; nothing in the store changes. The finished copy
    /// is durable, and was compared with the manifest and `SHA256SUMS`, before the rename that makes
    /// it visible: it appears whole or not at all. The checkpoint is not removed meanwhile.
    ///
    /// - Parameter place: an absolute path where nothing is yet.
    /// - Returns: the payload's size in bytes.
    /// - Throws: `badPath` if something is there, the checkpoint is bad, or the copy is not what was
    ///   committed; `unreadable`, `unwritable`, `tool`, `missing`, `unknownCheckpoint`.
    package func export(_ id: CheckpointID, to place: String) throws(StoreError) -> Int64 {
        try writer(below: parent(of: place)).exportHere(id, to: place)
    }

    /// The same checkpoints for one who writes below a directory that may be another user's: root goes through
    /// no link there, also where one takes the place of a directory meanwhile.
    private func writer(below directory: String) throws(StoreError) -> CommittedCheckpoints {
        if userId() != 0 { return self }
        let anchored = try reading { () throws(SystemError) in
            try files.anchored(at: [directory])
        }
        let place = RunPlace(paths, owner: owner, files: anchored, limits: limits)
        return CommittedCheckpoints(place, tools: tools)
    }

    private func exportHere(_ id: CheckpointID, to place: String) throws(StoreError) -> Int64 {
        let hold = try hold(id)
        defer { withExtendedLifetime(hold) {} }
        let half = try freePlace(for: place)
        let inspected: Inspected
        switch try findingDamage(of: id, { () throws(StoreError) in try inspect(id) }) {
        case .success(let found): inspected = found
        case .failure(let damage): throw isBad(id, damage.reason)
        }
        do throws(StoreError) {
            try copyOut(inspected, to: FilePath(half))
            try compare(copy: FilePath(half), with: inspected)
            guard try !exists(place) else {
                throw .badPath(place, reason: "has appeared meanwhile, and is not overwritten")
            }
            try writing { () throws(SystemError) in
                try files.rename(half, to: place)
                try files.syncDirectory(parent(of: place))
            }
        } catch {
            try? files.removeTree(half)
            throw error
        }
        return inspected.listed.manifest.bytes
    }

    /// - Returns: what the copy is called until it is whole.
    private func freePlace(for place: String) throws(StoreError) -> String {
        guard try !exists(place) else {
            throw .badPath(place, reason: "is there already, and is not overwritten")
        }
        let half = "\(place).partial"
        guard try !exists(half) else {
            throw .badPath(
                half,
                reason: "is there already, perhaps from an export that was cut short; "
                    + "move it away or delete it")
        }
        let home = parent(of: place)
        guard try exists(home) else {
            throw .badPath(home, reason: "is not there; make that directory first")
        }
        let (target, ours) = try reading { () throws(SystemError) in
            (try files.resolved(home), try files.resolved(paths.payload))
        }
        guard !FilePath(target).isBelow(FilePath(ours)) else {
            throw .badPath(place, reason: "is among the checkpoints; choose a place elsewhere")
        }
        return half
    }

    private func isBad(_ id: CheckpointID, _ reason: String) -> StoreError {
        .badPath(paths.checkpoint(id), reason: "is bad: \(reason)")
    }
}

/// The way into the copy.
extension CommittedCheckpoints {
    private func copyOut(_ inspected: Inspected, to half: FilePath) throws(StoreError) {
        let manifest = inspected.listed.manifest
        let top = manifest.top
        // Else a manifest that somebody else wrote could lead us out of the copy.
        guard
            manifest.exportedPaths.allSatisfy({ $0.isBelow(top) && !$0.components.contains("..") })
        else {
            throw isBad(manifest.id, "its manifest names files that are not below \(shown(top))")
        }
        let directories = manifest.single == nil ? try self.directories(of: inspected) : []
        for directory in directories {
            let copy = directory.moved(from: top, to: half).text
            try writing { () throws(SystemError) in try files.makeDirectory(copy) }
        }
        for file in manifest.exportedFiles {
            let copy = file.path.moved(from: top, to: half).text
            try copyOut(file, inspected, to: copy)
            try writing { () throws(SystemError) in try files.syncFile(copy) }
        }
        try writing { () throws(SystemError) in
            for link in manifest.links {
                try files.makeLink(
                    link.path.moved(from: top, to: half).text, to: link.target.text)
            }
            for directory in directories.reversed() {
                try files.syncDirectory(directory.moved(from: top, to: half).text)
            }
        }
    }

    /// Copies the file itself, or restores it if only its compressed copy is there.
    private func copyOut(
        _ file: Manifest.File, _ inspected: Inspected, to copy: String
    ) throws(StoreError) {
        let id = inspected.listed.manifest.id
        guard let status = inspected.statuses[file.path] else {
            guard let copies = inspected.copies, let compressed = copies.copy(of: file.path) else {
                throw isBad(id, "\(shown(file.path)) is missing")
            }
            let isGood = try restore(
                compressed, of: id, by: copies.program, bytes: file.bytes,
                digest: inspected.listed.digest(of: file.path), to: copy, goOn: { _ in true })
            guard isGood else {
                let name = shown(compressed.file.compressed)
                throw isBad(id, "\(name): other bytes came out of it")
            }
            return
        }
        let source = Manifest.place(of: file.path, in: paths.checkpoint(id))
        do throws(SystemError) {
            try files.copyFile(source, to: copy, mode: status.mode) { _ in true }
        } catch {
            let isWriting = FilePath(error.subject) == FilePath(copy)
            throw isWriting ? StoreError(writing: error) : StoreError(reading: error)
        }
    }

    /// The payload's directories with the top one, each before those in it.
    private func directories(of inspected: Inspected) throws(StoreError) -> [FilePath] {
        let manifest = inspected.listed.manifest
        let top = manifest.top
        var all = Set(inspected.payload.directories + [top])
        // Somebody may have tidied up what became empty when its files were compressed.
        for path in manifest.files.map(\.path) + manifest.links.map(\.path) {
            var directory = path.parent
            while all.insert(directory).inserted { directory = directory.parent }
        }
        if manifest.outside != nil {
            for empty in try emptyDirectories(below: top) {
                var directory = empty
                while all.insert(directory).inserted { directory = directory.parent }
            }
        }
        // Of a directory with a name of its own, `data/` above it is no part.
        return all.filter { $0.isBelow(top) }.sorted()
    }

    /// No list tells of the empty directories of a payload outside, which is also where the job may
    /// have put other files since.
    private func emptyDirectories(below top: FilePath) throws(StoreError) -> [FilePath] {
        var empty: [FilePath] = []
        try walk(top) { (directory) throws(StoreError) in
            let found = try reading { () throws(SystemError) in try entries(directory.text) }
            if found.isEmpty { empty.append(directory) }
            return found
        } visit: { (_, _) throws(StoreError) in
        }
        return empty
    }
}

/// The look at the finished copy.
extension CommittedCheckpoints {
    /// Compares names, sizes, links and digests.
    private func compare(copy half: FilePath, with inspected: Inspected) throws(StoreError) {
        let manifest = inspected.listed.manifest
        let top = manifest.top
        let copy = try Payload.outside(files, half)
        let found = copy.files.map { Manifest.File(path: $0.path, bytes: $0.status.size) }
        let expected = manifest.exportedFiles.map {
            Manifest.File(path: $0.path.moved(from: top, to: half), bytes: $0.bytes)
        }
        .sorted { $0.path < $1.path }
        if found != expected {
            let pair = zip(found, expected).first { $0 != $1 }
            throw notAsCopied(pair?.0.path ?? half, "a name or a size differs")
        }
        let links = manifest.links.map {
            Manifest.Link(path: $0.path.moved(from: top, to: half), target: $0.target)
        }
        guard copy.links == links else { throw notAsCopied(half, "its symbolic links differ") }
        for file in manifest.exportedFiles {
            let path = file.path.moved(from: top, to: half)
            let digest = try digest(of: path.text)
            if digest == inspected.listed.digest(of: file.path) { continue }
            try blameSource(of: file, inspected)
            throw notAsCopied(path, "SHA-256 differs")
        }
    }

    /// Throws if it is the checkpoint's own file that is not what was committed.
    private func blameSource(
        of file: Manifest.File, _ inspected: Inspected
    ) throws(StoreError) {
        if inspected.statuses[file.path] == nil { return }
        let id = inspected.listed.manifest.id
        let source = Manifest.place(of: file.path, in: paths.checkpoint(id))
        if try digest(of: source) != inspected.listed.digest(of: file.path) {
            throw isBad(id, "\(shown(file.path)): SHA-256 differs")
        }
    }

    private func digest(of path: String) throws(StoreError) -> String {
        try reading { () throws(SystemError) in
            try files.hashFile(path, startsWriting: false) { _ in true }.digest.hex
        }
    }

    private func notAsCopied(_ path: FilePath, _ what: String) -> StoreError {
        .badPath(
            path.text,
            reason: "is not what was copied there (\(what)); "
                + "export it again, and if that does not help, look after that disk (dmesg)")
    }
}

extension Manifest {
    fileprivate var exportedPaths: [FilePath] { exportedFiles.map(\.path) + links.map(\.path) }

    /// In order of path.
    fileprivate var exportedFiles: [File] {
        single.map { single in files.filter { $0.path == single } } ?? files
    }
}
