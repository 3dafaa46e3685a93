import SuperviseFormats
import SuperviseSystem

/// A run that was made by `supervise init` and has not begun.
extension RunStore {
    /// Makes the run's directory durably, whole or not at all. The caller holds the run's lock.
    ///
    /// - Parameter made: directories that are made on the way, and are opened to everybody who knows the
    ///   names in them, as a start with `--user` opens those that it makes.
    /// - Returns: false if there was one; then nothing is changed.
    package func initialise(
        _ note: InitialNote, opening made: [String] = []
    ) throws(StoreError) -> Bool {
        if try exists(paths.run) { return false }
        try finishArchiving()
        let draft = "\(paths.stateDirectory)/.init-\(paths.name)"
        let bytes = try encode(note, for: paths.initialNote)
        if paths.isSplit { try initialisePayload() }
        try writing { () throws(SystemError) in
            for directory in made { try belongings.openToAll(directory) }
            try files.makeDirectoryIfMissing(draft)
            if !paths.isSplit { try files.makeDirectoryIfMissing("\(draft)/checkpoints") }
            let file = "\(draft)/\(FilePath(paths.initialNote).name)"
            try files.writeFile(file, bytes)
            try files.syncFile(file)
            try files.syncDirectory(draft)
            try files.rename(draft, to: paths.run)
            try files.syncDirectory(paths.stateDirectory)
        }
        return true
    }

    private func initialisePayload() throws(StoreError) {
        try writing { () throws(SystemError) in
            try files.makeDirectories(paths.payloadParent)
            try files.makeDirectoryIfMissing(paths.payload)
            try files.makeDirectoryIfMissing(paths.checkpoints)
            try files.syncDirectory(paths.payload)
            try files.syncDirectory(paths.payloadParent)
        }
    }

    /// It was made by `supervise init`, and no supervisor has begun it.
    package func hasNotBegun() throws(StoreError) -> Bool {
        guard try exists(paths.initialNote) else { return false }
        if try exists(paths.record) { return false }
        return try !exists(paths.status)
    }

    /// Whether the directory that holds the checkpoints and what belongs to them is there.
    package func hasPayloadDirectory() throws(StoreError) -> Bool { try exists(paths.payload) }
}

extension StateDirectory {
    /// The runs that `supervise init` has made and no supervisor has begun; those that cannot be looked at
    /// are left out.
    package func initialRuns() -> [RunName] {
        let entries = (try? files.list("\(path)/.")) ?? []
        return entries.compactMap { entry in
            guard entry.kind == .directory, let name = RunName(entry.name) else { return nil }
            let store = RunStore(RunPaths(stateDirectory: path, name: name), files: files)
            return (try? store.hasNotBegun()) == true ? name : nil
        }
    }
}
