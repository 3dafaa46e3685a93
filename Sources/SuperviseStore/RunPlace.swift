import SuperviseFormats
import SuperviseSystem

/// The paths, owner, file system and limits that a store's parts share.
package struct RunPlace: Sendable {
    package let paths: RunPaths
    /// The job's user, if it differs from ours.
    let owner: UserIdentity?
    let files: any FileSystem
    let belongings: Belongings
    let limits: StoreLimits

    init(
        _ paths: RunPaths, owner: UserIdentity?, files: any FileSystem, limits: StoreLimits
    ) {
        self.paths = paths
        self.owner = owner
        self.files = files
        belongings = (files as? Disk)?.belongings ?? Belongings()
        self.limits = limits
    }
}

/// Limits of a run's files; sizes are in bytes.
package struct StoreLimits: Sendable {
    /// Of `events.jsonl`, before it gets a number and a new one is begun.
    package var eventFile: Int64 = 64_000_000
    /// How many of them there are, with the one being written.
    package var eventFiles = 4
    /// Of a record, status, manifest or list of checksums; what is larger is not ours.
    package var document = 1 << 28
    /// So many checkpoints are looked at one by one; of more the older ones come from the index.
    package var unindexed = 256
    /// What file systems give room in: a copy that does not save one of these is not smaller.
    package var block: Int64 = 4096

    package init() {}
}

/// A part of a run's store: it reads and writes files of one place.
package protocol RunPart: Sendable {
    var place: RunPlace { get }
}

extension RunPart {
    package var paths: RunPaths { place.paths }
    var owner: UserIdentity? { place.owner }
    var files: any FileSystem { place.files }
    var belongings: Belongings { place.belongings }
    var limits: StoreLimits { place.limits }

    func exists(_ path: String) throws(StoreError) -> Bool {
        try reading { () throws(SystemError) in
            try unlessMissing { () throws(SystemError) in try files.status(path) } != nil
        }
    }

    func removeIfThere(_ path: String) throws(SystemError) {
        _ = try unlessMissing { () throws(SystemError) in try files.removeFile(path) }
    }

    /// The whole of a file of ours; nil where there is none.
    ///
    /// - Throws: `garbage` where it is no file, or too large for one of ours; `unreadable`.
    func document(_ path: String) throws(StoreError) -> [UInt8]? {
        try ownedDocument(path)?.content
    }

    /// The same, with its owner's user id.
    func ownedDocument(
        _ path: String
    ) throws(StoreError) -> (content: [UInt8], owner: UInt32)? {
        do throws(SystemError) {
            return try unlessMissing { () throws(SystemError) in
                try files.readOwned(path, limit: limits.document)
            }
        } catch {
            if error.isNoRegularFile {
                throw .garbage(path: path, reason: "it is no regular file")
            }
            if error.isTooLarge { throw .garbage(path: path, reason: "it is too large") }
            throw StoreError(reading: error)
        }
    }

    func decode<Value: Decodable>(
        _ type: Value.Type, from bytes: [UInt8], in path: String
    ) throws(StoreError) -> Value {
        do throws(FormatError) {
            return try JSONText.decode(type, from: bytes)
        } catch {
            throw StoreError(error, in: path)
        }
    }

    /// With a newline at its end.
    func encode(_ value: some Encodable, for path: String) throws(StoreError) -> [UInt8] {
        do throws(FormatError) {
            return try JSONText.encode(value) + [UInt8(ascii: "\n")]
        } catch {
            throw StoreError(error, in: path)
        }
    }
}

/// Directories of a run, and names in them.
extension RunPart {
    /// The run's directory as it is now.
    ///
    /// - Throws: `unreadable`, also where it is not there.
    package func home() throws(StoreError) -> Home {
        let found = try reading { () throws(SystemError) in try files.status(paths.run) }
        return Home(path: paths.run, id: DirectoryID(found))
    }

    /// Whether the recorded path is another run's directory, with a record in it.
    ///
    /// - Returns: nil where it cannot be told.
    package func isRun(at path: String) -> Bool? {
        do throws(StoreError) {
            guard let id = try identity(of: path), id != (try identity(of: paths.run)) else {
                return false
            }
            return try exists("\(path)/run.json")
        } catch {
            return nil
        }
    }

    /// Follows links; nil where there is nothing.
    func identity(of path: String) throws(StoreError) -> DirectoryID? {
        do throws(SystemError) {
            return try unlessMissing { () throws(SystemError) in
                DirectoryID(try files.status("\(path)/."))
            }
        } catch {
            if error.isNoDirectory { return nil }
            throw StoreError(reading: error)
        }
    }

    /// The identity of the run's own directory; nil where it is not there.
    package func homeID() throws(StoreError) -> DirectoryID? { try identity(of: paths.run) }

    /// What a directory holds; nothing where it is missing.
    func entries(_ directory: String) throws(SystemError) -> [DirectoryEntry] {
        try unlessMissing { () throws(SystemError) in try files.list(directory) } ?? []
    }

    /// Moves a directory into another one, under a name that is free there.
    ///
    /// - Returns: where it is now; nil where there was nothing.
    func move(
        _ path: String, into directory: String, as other: String? = nil
    ) throws(SystemError) -> String? {
        let name = other ?? FilePath(path).name
        var place = "\(directory)/\(name)"
        var number = 0
        while true {
            do throws(SystemError) {
                try files.rename(path, to: place)
                return place
            } catch {
                if error.isMissing { return nil }
                // Also where the directory itself is none, and so no name in it is ever free.
                guard error.isTaken, number < 1000 else { throw error }
                number += 1
                place = "\(directory)/\(name).\(number)"
            }
        }
    }
}

extension DirectoryID {
    init(_ status: FileStatus) {
        self.init(device: status.device, inode: status.inode)
    }
}
