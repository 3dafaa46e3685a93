import SuperviseFormats
import SuperviseSystem

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
