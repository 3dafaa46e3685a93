import SuperviseFormats
import SuperviseSystem

/// Where the sockets of a run are: in a directory of its own, with a short path, whatever the run is called.
///
/// Its own, so that nobody else is woken by what comes and goes there.
struct SocketPath {
    /// sun_path holds 108 bytes; the protocol promises at most so many.
    static let longest = 100

    /// The value of an environment variable.
    var variable: (String) -> String? = environmentVariable
    /// Where a directory of ours is made when nobody gives us one.
    var temporary = "/tmp"
    /// Who the job is, where that is not who we are: it must be able to pass through.
    var job: UserIdentity?
    /// nil tries nothing again.
    var wait: ShortageWait?

    /// Makes the run's directory in `$RUNTIME_DIRECTORY`, else in `$XDG_RUNTIME_DIR/supervise`, else in
    /// `/tmp/supervise-UID`, else in a new one. The last three have to be real directories of ours that
    /// nobody else can enter. For a job that is another user they end in `-for-UID`, its group can pass
    /// through them, and one that it cannot get to is passed over.
    ///
    /// - Parameter run: the run's directory, which tells it from all others.
    /// - Returns: the path of the socket, which is for ``remove(_:)`` in the end.
    /// - Throws: ``HostError`` where there is no such directory, or its path is too long.
    func choose(for run: String) throws(HostError) -> String {
        let name = Self.directory(for: run)
        if let given = variable("RUNTIME_DIRECTORY")?.split(separator: ":").first {
            let directory = "\(given)/\(name)"
            let path = try checked("\(directory)/\(Self.socket)", from: "RUNTIME_DIRECTORY")
            if isReachable(String(given)), made([directory]) { return path }
        }
        if let base = variable("XDG_RUNTIME_DIR"), FilePath(base).isAbsolute {
            let directory = base + "/supervise" + ending
            let path = try checked(
                "\(directory)/\(name)/\(Self.socket)", from: "XDG_RUNTIME_DIR")
            // One that is gone, or is another user's, was inherited by mistake.
            if isReachable(base), made([directory, "\(directory)/\(name)"]) { return path }
        }
        let own = "\(temporary)/supervise-\(userId())\(ending)"
        if made([own, "\(own)/\(name)"]) {
            return try checked("\(own)/\(name)/\(Self.socket)", from: nil)
        }
        return try checked("\(try newDirectory(for: name))/\(Self.socket)", from: nil)
    }

    private var ending: String { job.map { "-for-\($0.user)" } ?? "" }

    private func isReachable(_ directory: String) -> Bool {
        guard let job else { return true }
        var request = SpawnRequest(command: ["-"], environment: [])
        request.settings.identity = job
        let attempt = { () throws(SystemError) in try rehearse(request, reach: [directory]) }
        return (try? wait?.perform(attempt) ?? attempt()) != nil
    }

    /// Makes them one in the other, as far as they are missing.
    private func made(_ directories: [String]) -> Bool {
        for directory in directories {
            guard (try? makePrivateDirectory(directory, openTo: job?.group)) != nil else {
                return false
            }
        }
        return true
    }

    private func newDirectory(for name: String) throws(HostError) -> String {
        try describing("no directory for the socket can be made") {
            () throws(SystemError) in
            let base = try makeTemporaryDirectory(temporary + Self.newPrefix)
            do throws(SystemError) {
                if let job { try Belongings.open(base, to: job.group) }
                return try makePrivateDirectory("\(base)/\(name)", openTo: job?.group)
            } catch {
                try? Disk().removeDirectory("\(base)/\(name)")
                try? Disk().removeDirectory(base)
                throw error
            }
        }
    }

    private func checked(_ path: String, from source: String?) throws(HostError) -> String {
        guard path.utf8.count > Self.longest else { return path }
        throw HostError(
            "the socket's path would have \(path.utf8.count) bytes, and the system takes "
                + "\(Self.longest): \(path); set \(source ?? "XDG_RUNTIME_DIR") to a shorter "
                + "directory")
    }
}
