/// What is done with a file or a directory that a job wrote itself.
package enum AddMode: String, Codable, Sendable, CaseIterable {
    /// It is copied, and stays the job's. Blocks are shared where the file system can.
    case copy
    /// It is moved in among the checkpoints.
    case move
    /// It stays where it is, and is deleted there when the checkpoint is removed.
    case own
    /// It stays where it is and the job's: nothing is promised of it, and it is never deleted.
    case reference

    /// The payload stays where the job wrote it, and is lost with that place.
    package var leavesOriginal: Bool { self == .own || self == .reference }
}

/// How a file or a directory looks that is to be taken: another one may have its name by then.
package struct ContentMark: Hashable, Sendable {
    package var device: UInt64
    package var inode: UInt64
    /// nil for a directory.
    package var bytes: Int64?
    /// When it was written last, in nanoseconds since 1970; nil for a directory.
    package var modified: Int64?

    package init(device: UInt64, inode: UInt64, bytes: Int64?, modified: Int64?) {
        self.device = device
        self.inode = inode
        self.bytes = bytes
        self.modified = modified
    }
}

/// Where a payload is that was not moved or copied into its checkpoint's directory.
package struct OutsidePayload: Codable, Equatable, Sendable {
    /// An absolute path without symbolic links, of a file or a directory.
    package var path: FilePath
    /// Whether it goes with the checkpoint; else it is only referred to.
    package var isOwned: Bool

    package enum CodingKeys: String, CodingKey {
        case path
        case isOwned = "owned"
    }

    package init(path: FilePath, isOwned: Bool) {
        self.path = path
        self.isOwned = isOwned
    }
}
