/// A directory as the file system knows it: no rename changes it, and a copy has another one.
///
/// Device numbers may change with a reboot or when a file system is mounted again.
package struct DirectoryID: Codable, Hashable, Sendable {
    package var device: UInt64
    package var inode: UInt64

    package init(device: UInt64, inode: UInt64) {
        self.device = device
        self.inode = inode
    }
}

/// A run's directory: its absolute path, and which directory that is.
package struct Home: Codable, Equatable, Sendable {
    package var path: String
    package var id: DirectoryID

    package init(path: String, id: DirectoryID) {
        self.path = path
        self.id = id
    }

    /// Path and inode are the same: only the number of the device differs, if anything.
    package func isSamePlace(as other: Home) -> Bool {
        path.utf8.elementsEqual(other.path.utf8) && id.inode == other.id.inode
    }

    private enum CodingKeys: String, CodingKey { case path, device, inode }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        path = try container.decode(String.self, forKey: .path)
        id = DirectoryID(
            device: try container.decode(UInt64.self, forKey: .device),
            inode: try container.decode(UInt64.self, forKey: .inode))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(path, forKey: .path)
        try container.encode(id.device, forKey: .device)
        try container.encode(id.inode, forKey: .inode)
    }
}
