import SuperviseFormats
import SuperviseSystem

/// A payload directory that the user named: its lock, and the state that it belongs to.
package struct PayloadDirectory: RunPart {
    package let place: RunPlace

    init(_ place: RunPlace) { self.place = place }

    /// The state that a payload directory belongs to, as it is now.
    package enum OtherState: Equatable, Sendable {
        /// This run's own directory, or the place where it will be.
        case us
        /// Another run's directory, whose record leads to the same payload directory.
        case here
        /// Another run's directory, whose record leads to another payload directory.
        case elsewhere
        case gone
        case unknown(StoreError)
    }

    /// Whether the payload is in another directory than the run's own, whatever links lead there.
    package func isElsewhere() throws(StoreError) -> Bool {
        guard paths.isSplit else { return false }
        guard let root = try identity(of: paths.payloadRoot) else { return true }
        let isSameName = FilePath(paths.payload) == FilePath("\(paths.payloadRoot)/\(paths.name)")
        if !isSameName { return true }
        return try identity(of: paths.stateDirectory) != root
    }

    /// The state that the payload directory belongs to; nil where there is none.
    ///
    /// - Throws: `bad` where that cannot be read as it should be, `newerFormat`, `unreadable`.
    package func owner(host: String) throws(StoreError) -> PayloadOwner? {
        // The run's own directory of another state.
        if let id = try identity(of: paths.payload), try exists("\(paths.payload)/run.json") {
            let name = String(paths.payload.utf8.dropFirst(paths.payloadRoot.utf8.count + 1)) ?? ""
            return PayloadOwner(
                host: host, stateDirectory: paths.payloadRoot, name: name, run: id, payload: id)
        }
        do throws(StoreError) {
            guard let bytes = try document(paths.owner) else { return nil }
            let owner = try decode(PayloadOwner.self, from: bytes, in: paths.owner)
            if let fault = owner.fault { throw .garbage(path: paths.owner, reason: fault) }
            return owner
        } catch {
            guard case .garbage(let path, let reason) = error else { throw error }
            throw .bad(
                "\(shown(path)) is damaged (\(reason)); if no other state keeps its checkpoints "
                    + "there, remove that file")
        }
    }

    /// Looks at the path of an owner.
    package func look(at owner: PayloadOwner) -> OtherState {
        do throws(StoreError) {
            guard let id = try identity(of: owner.run) else {
                return FilePath(owner.run) == FilePath(paths.run) ? .us : .gone
            }
            if FilePath(owner.run) == FilePath(paths.run) { return .us }
            if try homeID() == id { return .us }
            guard let name = RunName(owner.name), try exists("\(owner.run)/run.json") else {
                return .gone
            }
            let other = RunPaths(stateDirectory: owner.stateDirectory, name: name)
            let theirs = try payload(of: other)
            guard let theirs, let there = try identity(of: theirs) else { return .here }
            return try identity(of: paths.payload) == there ? .here : .elsewhere
        } catch {
            return .unknown(error)
        }
    }

    /// nil where the record does not tell.
    private func payload(of other: RunPaths) throws(StoreError) -> String? {
        let place = RunPlace(other, owner: nil, files: files, limits: StoreLimits())
        do throws(StoreError) {
            return try RecordFile(place).load().map { other.following($0).payload }
        } catch {
            if case .unreadable = error { throw error }
            return nil
        }
    }

    /// - Throws: `missing` where there is no directory of checkpoints.
    package func requireCheckpoints() throws(StoreError) {
        if try !exists(paths.checkpoints) { throw .missing(paths.checkpoints) }
    }

    /// Makes room for the lock of the payload directory. A user who may write beside the payload directory
    /// may make locks there.
    package func prepareLock() throws(StoreError) {
        try writing { () throws(SystemError) in
            try files.makeDirectories(paths.payloadParent)
            if try files.makeDirectoryIfMissing(paths.payloadLocks) {
                try belongings.openLike(paths.payloadParent, paths.payloadLocks)
            }
        }
    }

    /// Makes the payload directory ours, durably. Belongs behind ``prepare()``.
    ///
    /// - Parameter sharedThrough: as in ``RunRecord/sharedThrough``, of what is there.
    package func claim(host: String, sharedThrough: Int64?) throws(StoreError) {
        guard let payload = try identity(of: paths.payload) else { throw .missing(paths.payload) }
        let claim = PayloadOwner(
            host: host, stateDirectory: paths.stateDirectory, name: paths.name.description,
            run: try home().id, payload: payload, sharedThrough: sharedThrough)
        if try owner(host: host) == claim { return }
        let bytes = try encode(claim, for: paths.owner)
        let temporary = "\(paths.owner).tmp"
        try writing { () throws(SystemError) in
            try files.writeFile(temporary, bytes)
            try files.syncFile(temporary)
            try files.rename(temporary, to: paths.owner)
            try files.syncDirectory(paths.payload)
        }
    }
}

/// What a copy of a state and the original both have outside of them is the original's.
extension PayloadDirectory {
    /// Up to which number checkpoints of a payload directory may not take what they own outside with
    /// them; `Int64.max` where all of it is a copy that no supervisor has started in.
    ///
    /// - Parameter base: the directory that holds `checkpoints/`; also of an archived run.
    func sharedThrough(in base: String) throws(SystemError) -> Int64 {
        let status = try unlessMissing { () throws(SystemError) in try files.status(base) }
        guard let id = status.map({ DirectoryID($0) }) else { return 0 }
        // Only the number of a device changes without a copy.
        func isSameDirectory(_ known: DirectoryID, of state: String) -> Bool {
            known == id
                || known.inode == id.inode && FilePath(state) == FilePath(paths.stateDirectory)
        }
        if let found = try known(PayloadOwner.self, "\(base)/owner") {
            guard let owner = found, isSameDirectory(owner.payload, of: owner.stateDirectory) else {
                return .max
            }
            return owner.sharedThrough ?? 0
        }
        guard let found = try known(RunRecord.self, "\(base)/run.json") else { return 0 }
        guard let record = found else { return .max }
        if let home = record.home, !isSameDirectory(home.id, of: parent(of: home.path)) {
            return .max
        }
        if record.format.isFirst, let former = record.checkpointDirectory,
            isRun(at: former) ?? true,
            try files.status(former).inode != id.inode
        {
            return .max
        }
        return record.sharedThrough ?? 0
    }

    /// nil where it is not there; a nil in it where it is no document of ours.
    private func known<Value: Decodable>(
        _ type: Value.Type, _ path: String
    ) throws(SystemError) -> Value?? {
        do throws(SystemError) {
            let bytes = try unlessMissing { () throws(SystemError) in
                try files.readFile(path, limit: limits.document)
            }
            return bytes.map { try? JSONText.decode(type, from: $0) }
        } catch {
            guard error.isNoRegularFile || error.isTooLarge || error.isTaken else { throw error }
            return .some(nil)
        }
    }
}
