import SuperviseFormats
import SuperviseSystem

/// Where the socket of a run is: a short path in a directory of ours, whatever the run is called.
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

    /// `$RUNTIME_DIRECTORY`, else `$XDG_RUNTIME_DIR/supervise`, else `/tmp/supervise-UID`, else a
    /// new one. The last three have to be real directories of ours that nobody else can enter. For a
    /// job that is another user they end in `-for-UID`, its group can pass through them, and one that
    /// it cannot get to is passed over.
    ///
    /// - Parameter run: the run's directory, which tells it from all others.
    /// - Throws: ``HostError`` where there is no such directory, or its path is too long.
    func choose(for run: String) throws(HostError) -> String {
        let name = Self.name(for: run)
        if let given = variable("RUNTIME_DIRECTORY")?.split(separator: ":").first,
            isReachable(String(given))
        {
            return try checked("\(given)/\(name)", from: "RUNTIME_DIRECTORY")
        }
        if let base = variable("XDG_RUNTIME_DIR"), FilePath(base).isAbsolute {
            let directory = base + "/supervise" + ending
            let path = try checked("\(directory)/\(name)", from: "XDG_RUNTIME_DIR")
            // One that is gone, or is another user's, was inherited by mistake.
            if isReachable(base),
                (try? makePrivateDirectory(directory, openTo: job?.group)) != nil
            {
                return path
            }
        }
        return try checked("\(try ownDirectory())/\(name)", from: nil)
    }

    /// The name of a run's socket, in whatever directory that is.
    static func name(for run: String) -> String {
        String(Digest.of(Array(run.utf8)).hex.prefix(16)) + ".sock"
    }

    /// Where a job finds somebody who speaks sd_notify; of the same length.
    static func notices(beside socket: String) -> String {
        (socket.hasSuffix(".sock") ? String(socket.dropLast(5)) : socket) + ".note"
    }

    private var ending: String { job.map { "-for-\($0.user)" } ?? "" }

    private func isReachable(_ directory: String) -> Bool {
        guard let job else { return true }
        var request = SpawnRequest(command: ["-"], environment: [])
        request.settings.identity = job
        let attempt = { () throws(SystemError) in try rehearse(request, reach: [directory]) }
        return (try? wait?.perform(attempt) ?? attempt()) != nil
    }

    private func ownDirectory() throws(HostError) -> String {
        do throws(SystemError) {
            return try makePrivateDirectory(
                "\(temporary)/supervise-\(userId())\(ending)", openTo: job?.group)
        } catch {
            return try describing("no directory for the socket can be made") {
                () throws(SystemError) in
                let path = try makeTemporaryDirectory("\(temporary)/supervise-")
                if let job { try Belongings.open(path, to: job.group) }
                return path
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
