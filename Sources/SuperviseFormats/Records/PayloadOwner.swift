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
