import SuperviseFormats
import SuperviseSystem

/// A checkpoint's payload, copied out for use elsewhere.
extension RunStore {
    /// Copies the payload, as a job would get it: a directory, or the file where it is a single one.
    /// What was verified is what the copy holds, and it is durable when this returns. It appears
    /// under its name whole, or not at all. The checkpoint is not removed meanwhile.
    ///
    /// - Parameter place: an absolute path where nothing is yet.
    /// - Returns: the payload's size in bytes.
    /// - Throws: `badPath` where something is there, or the checkpoint is bad; `unreadable`,
    ///   `unwritable`, `missing`, `unknownCheckpoint`.
    package func export(_ id: CheckpointID, to place: String) throws(StoreError) -> Int64 {
        guard try !exists(place) else {
            throw .badPath(place, reason: "is there already, and is not overwritten")
        }
        let hold = try hold(id)
        defer { withExtendedLifetime(hold) {} }
        let summary: CheckpointSummary
        switch try verify(id) {
        case .good(let found, _): summary = found
        case .bad(let reason): throw .badPath(paths.checkpoint(id), reason: "is bad: \(reason)")
        }
        let half = "\(place).partial"
        guard try !exists(half) else {
            throw .badPath(half, reason: "is there already, and would be in the way of the copy")
        }
        do throws(StoreError) {
            try copyOut(id, summary, to: half)
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
        return summary.bytes
    }

    private func copyOut(
        _ id: CheckpointID, _ summary: CheckpointSummary, to place: String
    ) throws(StoreError) {
        let base = paths.checkpoint(id)
        let payload = try Payload.read(files, base: base)
        let data = "\(base)/\(CheckpointFile.data)"
        if !isSame(summary.path, data) {
            guard
                let file = payload.files.first(where: { isSame("\(base)/\($0.path)", summary.path) }
                )
            else { throw .changed(summary.path) }
            return try copyOut(file, of: id, to: place)
        }
        func copied(_ path: String) -> String {
            place
                + String(
                    decoding: path.utf8.dropFirst(CheckpointFile.data.utf8.count), as: UTF8.self)
        }
        for directory in payload.directories {
            try writing { () throws(SystemError) in try files.makeDirectory(copied(directory)) }
        }
        for file in payload.files { try copyOut(file, of: id, to: copied(file.path)) }
        try writing { () throws(SystemError) in
            for link in payload.links { try files.makeLink(copied(link.path), to: link.target) }
            for directory in payload.directories.reversed() {
                try files.syncDirectory(copied(directory))
            }
        }
    }

    private func copyOut(
        _ file: Payload.File, of id: CheckpointID, to copy: String
    ) throws(StoreError) {
        let path = "\(paths.checkpoint(id))/\(file.path)"
        try writing { () throws(SystemError) in
            try files.copyFile(path, to: copy) { _ in true }
            try files.syncFile(copy)
        }
        let found = try reading { () throws(SystemError) in
            try files.hashFile(copy, startsWriting: false) { _ in true }
        }
        // It was verified a moment ago.
        guard found.digest == verified.digest(of: file.path, file.status, in: id) else {
            throw .changed(path)
        }
    }
}
