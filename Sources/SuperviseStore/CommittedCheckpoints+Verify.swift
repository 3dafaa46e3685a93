import SuperviseFormats
import SuperviseSystem

/// What came of comparing a checkpoint with its checksums.
package enum VerifyResult: Equatable, Sendable {
    case good(CheckpointSummary, metadata: [String: JSONValue])
    /// Such as `data/model.bin: SHA-256 differs`.
    case bad(reason: String)
}

/// How a checkpoint is to be looked at.
package struct VerifyOrder: Sendable {
    package var depth = VerifyDepth.digest
    /// Files count as verified that this process has hashed and that are unchanged.
    package var isTrusting = false
    /// Files of which only the compressed copy is there are brought back to their places.
    package var restores = false

    package init(
        depth: VerifyDepth = .digest, isTrusting: Bool = false, restores: Bool = false
    ) {
        self.depth = depth
        self.isTrusting = isTrusting
        self.restores = restores
    }
}

extension CommittedCheckpoints {
    /// Compares every file of a checkpoint with `SHA256SUMS` and the manifest; of those of which only
    /// the compressed copy is there, what comes out of it. Writes nothing, unless it restores.
    ///
    /// - Parameters:
    ///   - lane: whose free threads read files beside this one; nil reads them one by one.
    ///   - isCancelled: asked after each MiB, on any of these threads.
    ///   - progress: gets the number of bytes of the payload that were read since the last time, on
    ///     any of these threads.
    /// - Throws: where nothing can be said: `unreadable` (EIO, EACCES, …), `missing`, `newerFormat`,
    ///   `tool`, `cancelled`; `unwritable`.
    package func verify(
        _ id: CheckpointID, _ order: VerifyOrder = .init(), beside lane: WorkerLane? = nil,
        isCancelled: @escaping @Sendable () -> Bool = { false },
        progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) throws(StoreError) -> VerifyResult {
        try checkThatItIsThere(id)
        let goOn = { @Sendable (count: Int) -> Bool in
            progress(count)
            return !isCancelled()
        }
        let found = try findingDamage(of: id) { () throws(StoreError) in
            let manifest = try compare(id, order, lane, goOn)
            if order.restores { try letOwnerRead(id) }
            return manifest
        }
        switch found {
        case .success(let manifest):
            return .good(summary(of: manifest), metadata: manifest.metadata)
        case .failure(let damage): return .bad(reason: damage.reason)
        }
    }

    /// Looks at a checkpoint's files; that they are damaged is a result, and no error.
    func findingDamage<Value>(
        of id: CheckpointID, _ body: () throws(StoreError) -> Value
    ) throws(StoreError) -> Result<Value, Damage> {
        func damage(_ reason: String) -> Result<Value, Damage> { .failure(Damage(reason: reason)) }
        do throws(StoreError) {
            return .success(try body())
        } catch {
            switch error {
            case .bad(let reason): return damage(reason)
            case .garbage(let path, let reason):
                return damage("\(relative(path, id)): \(reason)")
            case .badPath(let path, let reason):
                return damage("\(relative(path, id)) \(reason)")
            case .unreadable(let system) where system.isMissing:
                // What has gone from a directory that is there is missing from it.
                try checkThatItIsThere(id)
                return damage("\(relative(system.subject, id)) is missing")
            case .unreadable(let system) where system.isNoDirectory:
                // Something else was put where one of its directories had been.
                try checkThatItIsThere(id)
                return damage("\(relative(system.subject, id)) is no directory")
            default: throw error
            }
        }
    }

    private func checkThatItIsThere(_ id: CheckpointID) throws(StoreError) {
        for directory in [paths.checkpoints, paths.checkpoint(id)] {
            guard try exists(directory) else { throw .missing(directory) }
        }
    }

    private func compare(
        _ id: CheckpointID, _ order: VerifyOrder, _ lane: WorkerLane?,
        _ goOn: @escaping @Sendable (Int) -> Bool
    ) throws(StoreError) -> Manifest {
        var needsLists = order.depth != .none
        if order.restores, !needsLists { needsLists = try hasCopies(id) }
        guard needsLists else { return try get(readManifest(id)) }
        let found = try find(id)
        if order.depth != .none { try compare(found.payload, with: found.listed.manifest) }
        let hashed =
            order.depth == .digest
            ? try hash(found.payload, found.listed, order, lane, goOn) : []
        let restored = try takeCopies(of: found.absent, found.listed, found.copies, order, goOn)
        if order.depth == .digest { verified.add(hashed + restored, of: id) }
        return found.listed.manifest
    }

    /// A checkpoint's lists, and beside them what is there of its files.
    struct Inspected {
        var listed: Listed
        /// nil if it is not compressed.
        var copies: CompressedCopies?
        /// The files that are there themselves, its links and directories.
        var payload: Payload
        /// Of the files that are there themselves.
        var statuses: [FilePath: FileStatus]

        init(listed: Listed, copies: CompressedCopies?, payload: Payload) {
            self.listed = listed
            self.copies = copies
            self.payload = payload
            statuses = Dictionary(
                payload.files.map { ($0.path, $0.status) }, uniquingKeysWith: { first, _ in first })
        }

        /// The files of which at most a compressed copy is there.
        var absent: [Manifest.File] {
            listed.manifest.files.filter { statuses[$0.path] == nil }
        }
    }

    /// Compares names, sizes and links with the lists, and reads no file.
    func inspect(_ id: CheckpointID) throws(StoreError) -> Inspected {
        let found = try find(id)
        try compare(found.payload, with: found.listed.manifest)
        _ = try takeCopies(
            of: found.absent, found.listed, found.copies, .init(depth: .size), { _ in true })
        return found
    }

    private func find(_ id: CheckpointID) throws(StoreError) -> Inspected {
        let listed = try lists(of: id)
        let copies = try copies(of: id)
        let payload =
            if let outside = listed.manifest.outside {
                try listedPayload(listed.manifest, in: outside)
            } else {
                try Payload.read(
                    files, base: paths.checkpoint(id),
                    absent: copies?.list.files.map(\.path) ?? [])
            }
        return Inspected(listed: listed, copies: copies, payload: payload)
    }

    private func hash(
        _ payload: Payload, _ listed: Listed, _ order: VerifyOrder, _ lane: WorkerLane?,
        _ goOn: @escaping @Sendable (Int) -> Bool
    ) throws(StoreError) -> [HashedPayloadFile] {
        let id = listed.manifest.id
        // The largest first, so that no thread is left with it when the others are done.
        let ordered = payload.files.enumerated().sorted {
            ($0.element.status.size, $1.offset) > ($1.element.status.size, $0.offset)
        }
        .map(\.element)
        return try forEach(ordered, beside: lane) { [self] file throws(StoreError) in
            let wanted = Digest(hex: listed.digest(of: file.path))
            if order.isTrusting, let wanted,
                verified.contains(file.path, file.status, wanted, in: id)
            {
                return HashedPayloadFile(path: file.path, status: file.status, digest: wanted)
            }
            guard let digest = try hash(file, id, goOn), digest == wanted else {
                throw .bad("\(shown(file.path)): SHA-256 differs")
            }
            return HashedPayloadFile(path: file.path, status: file.status, digest: digest)
        }
    }

    /// - Returns: nil where somebody writes to the file.
    private func hash(
        _ file: Payload.File, _ id: CheckpointID, _ goOn: (Int) -> Bool
    ) throws(StoreError) -> Digest? {
        // What stays outside is where the job may put a link in place of any directory.
        let reader = file.path.isAbsolute ? owner : nil
        let found = try acting(as: reader) { () throws(StoreError) in
            try reading { () throws(SystemError) in
                try files.hashFile(
                    Manifest.place(of: file.path, in: paths.checkpoint(id)), startsWriting: false,
                    goOn: goOn)
            }
        }
        return file.status.isUnchanged(found.after) ? found.digest : nil
    }

    /// Names, sizes and links, before anything is read. What is absent is looked for elsewhere.
    private func compare(_ payload: Payload, with manifest: Manifest) throws(StoreError) {
        let expected = Dictionary(
            manifest.files.map { ($0.path, $0.bytes) },
            uniquingKeysWith: { first, _ in first })
        for file in payload.files {
            guard let bytes = expected[file.path] else {
                throw .bad("\(shown(file.path)) does not belong to it")
            }
            guard bytes == file.status.size else {
                throw .bad("\(shown(file.path)): \(file.status.size) bytes instead of \(bytes)")
            }
        }
        if payload.links != manifest.links { throw .bad("its symbolic links have changed") }
    }
}

extension CommittedCheckpoints {
    func lists(of id: CheckpointID) throws(StoreError) -> Listed { try get(readLists(id)) }

    /// nil if none of its files is compressed.
    func copies(of id: CheckpointID) throws(StoreError) -> CompressedCopies? {
        try get(readCopies(id))
    }

    private func get<Value>(_ result: Result<Value, Damage>) throws(StoreError) -> Value {
        switch result {
        case .success(let value): return value
        case .failure(let damage): throw .bad(damage.reason)
        }
    }

    /// What a manifest lists of a payload outside, as it is now; what else is there is the job's.
    ///
    /// - Throws: `missing` where not even the directory is there that it was in; `unreadable`,
    ///   `badPath` where it is something else by now.
    func listedPayload(
        _ manifest: Manifest, in outside: OutsidePayload
    ) throws(StoreError) -> Payload {
        do throws(StoreError) {
            var listed: [Payload.File] = []
            for file in manifest.files {
                let status = try acting(as: owner) { () throws(StoreError) in
                    try reading { () throws(SystemError) in try files.status(file.path.text) }
                }
                guard status.kind == .file else {
                    throw .badPath(file.path.text, reason: "is no regular file")
                }
                listed.append(Payload.File(path: file.path, status: status))
            }
            var links: [Manifest.Link] = []
            for link in manifest.links {
                let target = try acting(as: owner) { () throws(StoreError) in
                    try reading { () throws(SystemError) in try files.readLink(link.path.text) }
                }
                links.append(Manifest.Link(path: link.path, target: FilePath(target)))
            }
            return Payload(files: listed, links: links)
        } catch {
            let home = outside.path.parent.text
            if error.systemError?.isMissing == true, try !exists(home) { throw .missing(home) }
            throw error
        }
    }
}
