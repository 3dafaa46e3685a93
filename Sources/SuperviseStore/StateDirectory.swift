import SuperviseFormats
import SuperviseSystem

/// The directory that holds every run's state.
package struct StateDirectory: Sendable {
    package let path: String
    let files: any FileSystem

    /// - Parameter path: an absolute path.
    package init(_ path: String, files: any FileSystem = Disk()) {
        self.path = path
        self.files = files
    }

    /// Makes it durably, with the directories above it, where it is not there yet.
    package func prepare() throws(StoreError) {
        let locks = "\(path)/.locks"
        // Made last: where it is, what is above it has been synced.
        let isThere = try reading { () throws(SystemError) in
            try unlessMissing { () throws(SystemError) in try files.status(locks) }
        }
        if isThere != nil { return }
        try writing { () throws(SystemError) in
            try files.makeDirectories(path)
            try files.makeDirectoryIfMissing(locks)
        }
    }

    /// The runs that have a record, in order of name, and those that are closed to us; none where
    /// the directory is missing.
    package func runs() throws(StoreError) -> [RunName] {
        try reading { () throws(SystemError) in
            let list = { () throws(SystemError) in try files.list("\(path)/.") }
            var names: [RunName] = []
            for entry in try unlessMissing(list) ?? [] where entry.kind == .directory {
                guard let name = RunName(entry.name) else { continue }
                let record = RunPaths(stateDirectory: path, name: name).record
                if try mayBeThere(record) { names.append(name) }
            }
            return names
        }
    }

    /// The runs in the archive, in order of name and time; none where there is no archive.
    package func archives() throws(StoreError) -> [RunReference] {
        try reading { () throws(SystemError) in
            let list = { () throws(SystemError) in try files.list("\(path)/.archive") }
            let found = (try unlessMissing(list) ?? []).compactMap {
                $0.kind == .directory ? RunReference(label: $0.name) : nil
            }
            return found.sorted {
                ($0.name.description, $0.time ?? "") < ($1.name.description, $1.time ?? "")
            }
        }
    }

    private func mayBeThere(_ path: String) throws(SystemError) -> Bool {
        do throws(SystemError) {
            _ = try files.status(path)
            return true
        } catch {
            if error.isForbidden { return true }
            guard error.isMissing else { throw error }
            return false
        }
    }
}

/// Walks a directory tree, each directory before those in it; follows no links.
///
/// A directory whose name is not UTF-8 is visited as an entry, and not entered.
///
/// - Parameter list: is called for each directory, the top one first.
package func walk<Failure: Error>(
    _ top: FilePath, list: (FilePath) throws(Failure) -> [DirectoryEntry],
    visit: (FilePath, DirectoryEntry) throws(Failure) -> Void
) throws(Failure) {
    var waiting = [top]
    while let directory = waiting.popLast() {
        for entry in try list(directory) {
            let path = directory.appending(entry.name)
            try visit(path, entry)
            if entry.kind == .directory, entry.isUTF8 { waiting.append(path) }
        }
    }
}

extension FileSystem {
    /// - Returns: whether it was made now.
    @discardableResult
    func makeDirectoryIfMissing(_ path: String) throws(SystemError) -> Bool {
        do throws(SystemError) {
            try makeDirectory(path)
            return true
        } catch {
            // Something else of that name shows when it is used.
            guard error.isTaken else { throw error }
            return false
        }
    }

    /// Makes a directory and what is missing above it, durably.
    func makeDirectories(_ path: String) throws(SystemError) {
        var missing: [String] = []
        var next = path
        while next != "/" {
            do throws(SystemError) {
                try makeDirectory(next)
                missing.append(next)
                break
            } catch {
                if error.isTaken { break }
                guard error.isMissing else { throw error }
                missing.append(next)
                next = parent(of: next)
            }
        }
        for directory in missing.reversed().dropFirst() { try makeDirectoryIfMissing(directory) }
        // Who made the last of them may have ended before it was durable: sync that in any case.
        for directory in missing.isEmpty ? [path] : missing {
            try syncDirectoryIfReadable(parent(of: directory))
        }
    }

    /// A directory that we may pass through but not read cannot be synced by us at all.
    func syncDirectoryIfReadable(_ path: String) throws(SystemError) {
        do throws(SystemError) {
            try syncDirectory(path)
        } catch {
            guard error.isForbidden, error.call == "open" else { throw error }
        }
    }
}
