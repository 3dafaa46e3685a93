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

/// `owner` in a directory of `--checkpoint-dir`: the state that keeps its checkpoints there.
package struct PayloadOwner: Codable, Equatable, Sendable {
    package var format = FormatVersion()
    package var host: String
    /// An absolute path.
    package var stateDirectory: String
    /// The run's name in that state directory.
    package var name: String
    /// The run's own directory.
    package var device: UInt64
    package var inode: UInt64
    /// The directory that this file is in: a copy of it has another one.
    package var payload: DirectoryID
    /// As ``RunRecord/sharedThrough``.
    @Null package var sharedThrough: Int64?

    /// The path of the run's own directory.
    package var run: String { "\(stateDirectory)/\(name)" }
    package var home: Home { Home(path: run, id: DirectoryID(device: device, inode: inode)) }

    package enum CodingKeys: String, CodingKey {
        case format, host, name, device, inode, payload
        case stateDirectory = "state_directory"
        case sharedThrough = "shared_through"
    }

    package init(
        host: String, stateDirectory: String, name: String, run: DirectoryID,
        payload: DirectoryID, sharedThrough: Int64? = nil
    ) {
        self.host = host
        self.stateDirectory = stateDirectory
        self.name = name
        device = run.device
        inode = run.inode
        self.payload = payload
        self.sharedThrough = sharedThrough
    }

    /// The first fault of its content; nil if it may be believed.
    package var fault: String? {
        if !stateDirectory.hasPrefix("/") { return "\"state_directory\" is no absolute path" }
        if RunName(name) == nil { return "\"name\" is no run's name" }
        if let sharedThrough, !(0...CheckpointID.mostSequence).contains(sharedThrough) {
            return "\"shared_through\" is \(sharedThrough)"
        }
        return nil
    }
}

/// Where a supervisor lives: the machine, and the container on it.
package struct SupervisorPlace: Codable, Equatable, Sendable {
    /// As in `uname -n`; a container usually has one of its own.
    package var host: String
    /// Of the kernel; empty where /proc did not tell.
    package var bootID: String
    /// The inode of its PID namespace, in which its pid counts; null where /proc did not tell.
    @Null package var pidNamespace: UInt64?

    package init(host: String, bootID: String, pidNamespace: UInt64?) {
        self.host = host
        self.bootID = bootID
        self.pidNamespace = pidNamespace
    }

    package enum CodingKeys: String, CodingKey {
        case host
        case bootID = "boot_id"
        case pidNamespace = "pid_namespace"
    }
}
