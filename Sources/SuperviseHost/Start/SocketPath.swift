import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText

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
    /// `supervise-UID` or a new directory of `$TMPDIR` or `/tmp`, else below the state directory. All but
    /// the first have to be real directories of ours that nobody else can enter. For a job that is another
    /// user they end in `-for-UID`, its group can pass through them, and one that it cannot get to is
    /// passed over.
    ///
    /// - Parameter run: the run's directory, which tells it from all others.
    /// - Returns: the path of the socket, which is for ``remove(_:)`` in the end.
    /// - Throws: ``StartError`` where there is no such directory, or its path is too long.
    func choose(for run: String) throws(StartError) -> String {
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
        let bases = temporaries.filter(isReachable)
        for base in bases {
            let own = "\(base)/supervise-\(userId())\(ending)"
            let path = "\(own)/\(name)/\(Self.socket)"
            if fits(path), made([own, "\(own)/\(name)"]) { return path }
        }
        var refusal: SystemError?
        for base in bases {
            // Six characters make the name a new one.
            guard fits("\(base)\(Self.newPrefix)123456/\(name)/\(Self.socket)") else { continue }
            do throws(SystemError) {
                return "\(try newDirectory(in: base, for: name))/\(Self.socket)"
            } catch {
                refusal = refusal ?? error
            }
        }
        return try inState(of: run, refusal)
    }

    /// Directories for what is temporary: the user's, and the system's.
    private var temporaries: [String] {
        guard let given = variable("TMPDIR"), FilePath(given).isAbsolute else { return [temporary] }
        let own = FilePath(given).components.map { "/\($0.text)" }.joined()
        return own == temporary ? [temporary] : [own, temporary]
    }

    /// The last resort, as in a container without `/tmp`: the state directory can be written to, or there
    /// would be no run.
    private func inState(of run: String, _ refusal: SystemError?) throws(StartError) -> String {
        let path = Self.inState(of: run, ending: ending)
        guard fits(path) else {
            throw StartError.noSocketDirectory(
                refusal, tried: temporaries, below: .tooLong(path, longest: Self.longest))
        }
        do throws(SystemError) {
            let directory = parent(of: path)
            for made in [parent(of: directory), directory] {
                _ = try makePrivateDirectory(made, openTo: job?.group)
            }
            // Not every file system takes one.
            try UnixListener(path: path).removeName()
            return path
        } catch {
            throw StartError.noSocketDirectory(
                refusal, tried: temporaries, below: .system(error))
        }
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

    private func newDirectory(
        in place: String, for name: String
    ) throws(SystemError) -> String {
        let base = try makeTemporaryDirectory(place + Self.newPrefix)
        do throws(SystemError) {
            if let job { try Belongings.open(base, to: job.group) }
            return try makePrivateDirectory("\(base)/\(name)", openTo: job?.group)
        } catch {
            try? Disk().removeDirectory("\(base)/\(name)")
            try? Disk().removeDirectory(base)
            throw error
        }
    }

    private func fits(_ path: String) -> Bool { path.utf8.count <= Self.longest }

    private func checked(_ path: String, from source: String) throws(StartError) -> String {
        guard !fits(path) else { return path }
        throw StartError.longSocketPath(path, longest: Self.longest, variable: source)
    }
}

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

/// The second socket of a run, in its state directory: operators reach the supervisor by it from another
/// container, or from the host, with the same volume.
///
/// The job gets the first one only. The same users may connect, and it goes with the run in the same way.
package enum SocketBeside {
    /// It goes by the run's name and not by its path, which is another one elsewhere.
    package static func path(of run: String) -> String { SocketPath.inState(of: run) }

    /// Makes its directory; the caller holds the run's lock.
    ///
    /// - Returns: its path; nil where the first socket is there itself.
    /// - Throws: EACCES where another user has made what is there.
    static func prepare(of run: String, first: String) throws(SystemError) -> String? {
        let path = path(of: run)
        guard path != first else { return nil }
        let directory = FilePath(path).parent
        for made in [directory.parent, directory] { _ = try makePrivateDirectory(made.text) }
        return path
    }
}
