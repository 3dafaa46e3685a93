import SuperviseSystem

/// Where the socket of a run is: a short path in a directory of ours, whatever the run is called.
enum SocketPath {
    /// sun_path holds 108 bytes; the protocol promises at most so many.
    static let longest = 100

    /// `$RUNTIME_DIRECTORY`, else `$XDG_RUNTIME_DIR/supervise`, else `/tmp/supervise-UID`, the first
    /// that can be used.
    ///
    /// - Parameter run: the run's directory, which tells it from all others.
    /// - Throws: ``HostError`` where there is no such directory, or its path is too long.
    static func choose(for run: String) throws(HostError) -> String {
        let directory = try directory()
        let path = directory + "/" + Digest.of(Array(run.utf8)).hex.prefix(16) + ".sock"
        guard path.utf8.count <= longest else {
            throw HostError(
                "the socket's path would have \(path.utf8.count) bytes, and the system takes "
                    + "\(longest): \(path); set XDG_RUNTIME_DIR to a shorter directory")
        }
        return path
    }

    private static func directory() throws(HostError) -> String {
        if let given = environmentVariable("RUNTIME_DIRECTORY")?.split(separator: ":").first {
            return String(given)
        }
        // Without a login, or as another user, it may be set and not be there or not be ours.
        if let base = environmentVariable("XDG_RUNTIME_DIR"), !base.isEmpty,
            let directory = try? makePrivateDirectory(base + "/supervise")
        {
            return directory
        }
        do throws(SystemError) {
            return try makePrivateDirectory("/tmp/supervise-\(userId())")
        } catch {
            do throws(SystemError) {
                return try makeTemporaryDirectory("/tmp/supervise-")
            } catch {
                throw HostError("no directory for the socket can be made: \(error)")
            }
        }
    }
}
