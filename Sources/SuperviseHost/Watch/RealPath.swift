import SuperviseFormats
import SuperviseSystem

/// A watched path as it really is: symbolic links in the directories above it are followed.
///
/// A payload that stays in place is stored under this path. It is found when the content is looked at,
/// as a link may lead elsewhere later.
struct RealPath: Hashable, Sendable {
    let path: FilePath

    init(_ path: FilePath) { self.path = path }

    /// - Parameter told: an absolute path. Its last name is never that of a link, for no link is watched.
    init?(_ told: FilePath, _ files: Disk) {
        guard let directory = try? files.resolved(told.parent.text) else { return nil }
        path = FilePath(directory).appending(told.name)
    }
}
