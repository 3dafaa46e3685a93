import SuperviseFormats
import SuperviseSystem

/// Something that a job wrote by itself, to be taken as a checkpoint.
package struct AddOrder: Sendable {
    /// An absolute path, of a file or a directory.
    package var source: String
    package var commit: CommitOrder

    package init(source: String, commit: CommitOrder) {
        self.source = source
        self.commit = commit
    }
}

extension RunStore {
    /// Copies a file or a directory, and makes the copy a checkpoint. It is durable when this
    /// returns; where this throws, nothing is left of it.
    ///
    /// - Throws: as ``commit(_:isCancelled:)``.
    package func add(
        _ order: AddOrder, isCancelled: () -> Bool = { false }
    ) throws(StoreError) -> CheckpointSummary {
        do throws(StoreError) {
            let source = try sourcePath(order.source)
            let data = try makeStaging(order.commit.id)
            let single = try copy(source, to: data, isCancelled)
            return try commit(order.commit, single: single, isCancelled: isCancelled)
        } catch {
            // What stays is swept at the next start, and why we are here says more.
            try? dropStaging(order.commit.id)
            throw error
        }
    }

    /// Follows links: what they lead to is what is meant.
    private func sourcePath(_ path: String) throws(StoreError) -> String {
        guard path.hasPrefix("/") else {
            throw .badPath(path, reason: "is no absolute path; add wants one")
        }
        let source: String
        do throws(SystemError) {
            source = try files.resolved(path)
        } catch {
            guard error.isMissing || error.isForbidden || error.isTaken else {
                throw StoreError(reading: error)
            }
            throw .badPath(path, reason: "cannot be taken: \(errorText(error.code))")
        }
        let payload = try reading { () throws(SystemError) in try files.resolved(paths.payload) }
        guard source != "/", !isSame(source, payload), !payload.hasPrefix(source + "/") else {
            throw .badPath(
                path, reason: "holds the checkpoints themselves; add what is beside them")
        }
        return source
    }

    /// - Returns: the copy's path below the checkpoint's directory, where it is a single file.
    private func copy(
        _ source: String, to data: String, _ isCancelled: () -> Bool
    ) throws(StoreError) -> String? {
        let status = try reading { () throws(SystemError) in try files.status(source) }
        switch status.kind {
        case .file:
            let name = source.split(separator: "/").last.map(String.init) ?? "data"
            try copy(source, status, to: "\(data)/\(name)", isCancelled)
            return "\(CheckpointFile.data)/\(name)"
        case .directory:
            try copyDirectory(source, to: data, isCancelled)
            return nil
        case .link, .other:
            throw .badPath(source, reason: "is neither a file nor a directory")
        }
    }

    private func copyDirectory(
        _ source: String, to data: String, _ isCancelled: () -> Bool
    ) throws(StoreError) {
        // Read by its own name in the directory above, so that paths begin with that name.
        let top = source.split(separator: "/").last.map(String.init) ?? source
        let base = parent(of: source)
        let payload = try Payload.read(files, base: base == "/" ? "" : base, top: top)
        func copied(_ path: String) -> String {
            data + String(decoding: path.utf8.dropFirst(top.utf8.count), as: UTF8.self)
        }
        for directory in payload.directories.dropFirst() {
            try writing { () throws(SystemError) in try files.makeDirectory(copied(directory)) }
        }
        for file in payload.files {
            try copy("\(base)/\(file.path)", file.status, to: copied(file.path), isCancelled)
        }
        for link in payload.links {
            try writing { () throws(SystemError) in
                try files.makeLink(copied(link.path), to: link.target)
            }
        }
    }

    private func copy(
        _ source: String, _ status: FileStatus, to copy: String, _ isCancelled: () -> Bool
    ) throws(StoreError) {
        try writing { () throws(SystemError) in
            try files.copyFile(source, to: copy) { _ in !isCancelled() }
        }
        let after = try reading { () throws(SystemError) in try files.status(source) }
        guard status.isUnchanged(after) else { throw .changed(source) }
    }
}
