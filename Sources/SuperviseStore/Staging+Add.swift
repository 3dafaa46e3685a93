import SuperviseFormats
import SuperviseSystem

/// Something that a job wrote by itself, to be taken as a checkpoint.
package struct AddOrder: Sendable {
    /// An absolute path, of a file or a directory.
    package var source: String
    package var mode: AddMode
    package var commit: CommitOrder
    /// Only this is taken; nil takes what is there.
    package var content: ContentMark?
    /// Of a watched file: whether it is taken though a checkpoint holds this content already. nil does
    /// not compare.
    package var takesAgain: (@Sendable (TakenContent) -> Bool)?

    package init(
        source: String, mode: AddMode = .copy, commit: CommitOrder, content: ContentMark? = nil,
        takesAgain: (@Sendable (TakenContent) -> Bool)? = nil
    ) {
        self.source = source
        self.mode = mode
        self.commit = commit
        self.content = content
        self.takesAgain = takesAgain
    }
}

extension Staging {
    /// Makes a checkpoint of a file or a directory. It is durable when this returns; where this
    /// throws, nothing is left of it, and what was to be taken is where it was.
    ///
    /// - Parameters:
    ///   - lane: as ``commit(_:beside:elapsed:isCancelled:)``.
    ///   - elapsed: the same.
    ///   - warn: gets what went wrong after it was durable, such as an original that cannot be
    ///     removed.
    /// - Throws: as ``commit(_:beside:elapsed:isCancelled:)``.
    package func add(
        _ order: AddOrder, beside lane: WorkerLane? = nil,
        elapsed: (@Sendable () -> Double)? = nil,
        isCancelled: @escaping @Sendable () -> Bool = { false }, warn: (String) -> Void = { _ in }
    ) throws(StoreError) -> CheckpointSummary {
        var context = CommitContext(lane: lane, elapsed: elapsed, isCancelled: isCancelled)
        context.content = order.content
        context.takesAgain = order.takesAgain
        do throws(StoreError) {
            let source = try acting(as: owner) { () throws(StoreError) in try sourcePath(order) }
            switch order.mode {
            case .copy:
                return try copyIn(source, order.commit, context).summary
            case .move:
                if let summary = try moveIn(source, order.commit, context) { return summary }
                let (copied, summary) = try copyIn(source, order.commit, context)
                acting(as: owner) { removeOriginal(copied, source, warn) }
                return summary
            case .own, .reference:
                return try leaveOutside(
                    OutsidePayload(path: FilePath(source), isOwned: order.mode == .own),
                    order.commit, context)
            }
        } catch {
            // What stays is swept at the next start, and why we are here says more.
            try? drop(order.commit.id)
            throw isMissing(error, order) ? whatIsMissing(order) : error
        }
    }

    /// Something of what was to be taken has gone meanwhile, which its owner may do.
    private func isMissing(_ error: StoreError, _ order: AddOrder) -> Bool {
        guard order.takesAgain != nil else { return false }
        switch error {
        case .emptyCheckpoint: return true
        case .unreadable(let error), .unwritable(let error):
            let source = FilePath(order.source)
            let above = try? acting(as: owner) { () throws(SystemError) in
                try files.resolved(parent(of: order.source))
            }
            let real = above.map { FilePath($0).appending(source.name) }
            return error.isMissing
                && [source, real ?? source].contains { FilePath(error.subject).isBelow($0) }
        case .missing, .noDirectory, .garbage, .newerFormat, .badPath, .changed, .bad, .tool,
            .unknownCheckpoint, .cancelled, .repeats, .gone:
            return false
        }
    }

    private func whatIsMissing(_ order: AddOrder) -> StoreError {
        let payload = try? acting(as: owner) { () throws(StoreError) in
            try Payload.outside(files, FilePath(order.source))
        }
        return payload?.files.isEmpty == false ? .changed(order.source) : .gone(order.source)
    }

    /// Follows links: what they lead to is what is meant.
    private func sourcePath(_ order: AddOrder) throws(StoreError) -> String {
        let path = order.source
        if owner != nil, order.mode == .own {
            throw .badPath(
                path,
                reason: "cannot stay where it is, as root would delete it there one day; "
                    + "with \(OptionName.user) use move")
        }
        guard FilePath(path).isAbsolute else {
            throw .badPath(path, reason: "is no absolute path; add wants one")
        }
        let source: String
        do throws(SystemError) {
            source = try files.resolved(path)
        } catch {
            guard error.isMissing || error.isForbidden || error.isTaken else {
                throw StoreError(reading: error)
            }
            if error.isMissing, order.takesAgain != nil { throw .gone(path) }
            throw .badPath(path, reason: "cannot be taken: \(errorText(error.code))")
        }
        for place in [paths.payload, paths.run] {
            let ours = try reading { () throws(SystemError) in try files.resolved(place) }
            guard source != "/", !FilePath(ours).isBelow(FilePath(source)) else {
                throw .badPath(
                    path, reason: "holds the checkpoints themselves; add what is beside them")
            }
            guard order.mode == .copy || !FilePath(source).isBelow(FilePath(ours)) else {
                throw .badPath(
                    path, reason: "is among the checkpoints already; it can only be copied")
            }
        }
        return source
    }

    private func copyIn(
        _ source: String, _ order: CommitOrder, _ context: CommitContext
    ) throws(StoreError) -> (original: Payload, summary: CheckpointSummary) {
        _ = try make(order.id)
        let original = try acting(as: owner) { () throws(StoreError) in
            try copyToStaging(source, order, context)
        }
        return (original, try commit(order, place: Placement(of: original, source), context))
    }

    private func copyToStaging(
        _ source: String, _ order: CommitOrder, _ context: CommitContext
    ) throws(StoreError) -> Payload {
        let id = order.id
        let original = try payload(at: source, context.content)
        guard !original.files.isEmpty else { throw .emptyCheckpoint(id) }
        let place = Placement(of: original, source)
        let base = paths.staging(id)
        for directory in original.directories {
            try writing { () throws(SystemError) in
                try files.makeDirectory("\(base)/\(place.inside(directory))")
            }
        }
        _ = try forEach(original.files, beside: context.lane) {
            [files, owner] file throws(StoreError) in
            let copy = "\(base)/\(place.inside(file.path))"
            try acting(as: owner) { () throws(StoreError) in
                do throws(SystemError) {
                    try files.copyFile(file.path.text, to: copy) { _ in !context.isCancelled() }
                } catch {
                    guard error.isForbidden, FilePath(error.subject) == file.path else {
                        throw StoreError(writing: error)
                    }
                    let reason = "cannot be taken: \(errorText(error.code))"
                    throw .badPath(file.path.text, reason: reason)
                }
                let after = try reading { () throws(SystemError) in try files.status(file.path.text)
                }
                guard file.status.isUnchanged(after) else { throw .changed(file.path.text) }
            }
        }
        for link in original.links {
            try writing { () throws(SystemError) in
                try files.makeLink("\(base)/\(place.inside(link.path))", to: link.target.text)
            }
        }
        return original
    }

    /// What is to be taken.
    ///
    /// - Throws: `changed` where something else has its name by now.
    func payload(at source: String, _ wanted: ContentMark?) throws(StoreError) -> Payload {
        let payload = try Payload.outside(files, FilePath(source))
        guard let wanted else { return payload }
        var top = payload.files.first?.status
        if !payload.directories.isEmpty {
            top = try reading { () throws(SystemError) in try files.status(source) }
        }
        guard let top, top.inode == wanted.inode, top.device == wanted.device,
            wanted.bytes.map({ $0 == top.size }) ?? true,
            wanted.modified.map({ $0 == top.modified }) ?? true
        else { throw .changed(source) }
        return payload
    }

    /// After it was copied, and the copy is durable.
    private func removeOriginal(_ original: Payload, _ source: String, _ warn: (String) -> Void) {
        do throws(SystemError) {
            for file in original.files {
                let now = try unlessMissing { () throws(SystemError) in
                    try files.status(file.path.text)
                }
                guard let now, now.isUnchanged(file.status) else { continue }
                try files.removeFile(file.path.text)
            }
            for link in original.links { try removeIfThere(link.path.text) }
            try trash.removeEmptyDirectories(source)
            try files.syncDirectoryIfReadable(parent(of: source))
            guard try unlessMissing({ () throws(SystemError) in try files.status(source) }) != nil
            else { return }
            warn("\(shown(source)) was copied, and stays, for it holds more by now")
        } catch {
            warn("\(shown(source)) was copied, and stays: \(error)")
        }
    }
}

/// Where what is taken from outside goes below a checkpoint's directory.
struct Placement: Sendable {
    /// Where it is now.
    let source: FilePath
    private let isSingle: Bool
    /// Where the whole of it goes: below `data/`, under the name that it has.
    let top: FilePath

    /// - Parameter source: where the payload is now: an absolute path.
    init(of payload: Payload, _ source: String) {
        self.source = FilePath(source)
        isSingle = payload.directories.isEmpty
        top = CheckpointFile.data.appending(self.source.name)
    }

    /// nil where it is a directory.
    var single: FilePath? { isSingle ? top : nil }

    /// nil where it is a single file.
    var directory: FilePath? { isSingle ? nil : top }

    /// - Parameter path: absolute, of the payload or of something in it.
    func inside(_ path: FilePath) -> FilePath { path.moved(from: source, to: top) }
}
