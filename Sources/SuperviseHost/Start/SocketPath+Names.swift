import SuperviseFormats
import SuperviseStore
import SuperviseSystem

/// The names of a run's sockets and of what they are in, and how they go again.
extension SocketPath {
    static let socket = "sock"
    /// What makes a directory that nobody had before begins with this.
    static let newPrefix = "/supervise."

    /// The name of a run's own directory, in whatever directory that is.
    static func directory(for run: String) -> String {
        String(Digest.of(Array(run.utf8)).hex.prefix(16))
    }

    /// What holds the sockets of runs in a state directory begins with this.
    private static let statePrefix = "/.sockets"

    /// The path of a run's socket below its state directory. It goes by the run's name, so that whoever has
    /// the same volume elsewhere finds it there.
    ///
    /// - Parameter ending: tells the directory of those jobs that are another user.
    static func inState(of run: String, ending: String = "") -> String {
        let name = directory(for: FilePath(run).name)
        return "\(parent(of: run))\(statePrefix)\(ending)/\(name)/\(socket)"
    }

    /// Where a job finds somebody who speaks sd_notify; of the same length.
    static func notices(beside socket: String) -> String {
        (socket.hasSuffix(Self.socket) ? String(socket.dropLast(4)) : socket) + "note"
    }

    /// Whether a socket is that of a run, in whatever directory; also of an earlier version, which had no
    /// directory of its own for each run.
    static func isSocket(_ path: String, of run: String) -> Bool {
        let name = directory(for: run)
        return path.hasSuffix("/\(name)/\(socket)") || path.hasSuffix("/\(name).\(socket)")
            || isInState(path, of: run)
    }

    private static func isInState(_ path: String, of run: String) -> Bool {
        let own = parent(of: path)
        let around = parent(of: own)
        let name = directory(for: FilePath(run).name)
        return FilePath(path).name == socket && FilePath(own).name == name
            && parent(of: around) == parent(of: run)
            && around.hasPrefix("\(parent(of: run))\(statePrefix)")
    }

    /// Removes the sockets of a run, the directory that they are in, and the one around it where that was
    /// made for it alone. The caller holds the run's lock.
    static func remove(_ path: String) {
        let disk = Disk()
        for name in [path, notices(beside: path)] { removeSocket(name) }
        let directory = parent(of: path)
        // One that holds the sockets of all runs stays, and so does one that is not empty.
        if path.hasSuffix("/\(socket)") { try? disk.removeDirectory(directory) }
        let around = path.hasSuffix("/\(socket)") ? parent(of: directory) : directory
        if isNew(around) { try? disk.removeDirectory(around) }
    }

    /// Removes what a supervisor of this run left elsewhere that was killed: as its status tells, in which
    /// anything may stand.
    static func removeFormer(_ path: String?, of run: String, unless current: String? = nil) {
        guard let path, path != current, isSocket(path, of: run) else { return }
        remove(path)
    }

    /// Made for one run alone, by us or by an earlier version.
    private static func isNew(_ directory: String) -> Bool {
        let name = directory.split(separator: "/").last ?? ""
        for prefix in ["supervise.", "supervise-"] where name.hasPrefix(prefix) {
            let rest = name.dropFirst(prefix.utf8.count)
            // Only digits are the number of a user, whose runs share it.
            return rest.utf8.count == 6 && !rest.allSatisfy(\.isNumber)
        }
        return false
    }
}
