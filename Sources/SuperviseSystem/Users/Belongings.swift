import CLinux
import Glibc

/// Whose directories and files are, where a job is not who we are.
///
/// Nothing here follows a link in the last component of a path.
package struct Belongings: Sendable {
    /// What paths below them are followed from.
    private let anchors: Anchors?

    package init(anchors: Anchors? = nil) { self.anchors = anchors }

    /// Lets everybody through a directory who knows the names in it.
    package func openToAll(_ path: String) throws(SystemError) {
        try change(path) { (file, found) throws(SystemError) in
            let mode = found.st_mode & 0o7777 | 0o001
            guard mode != found.st_mode & 0o7777 else { return }
            try systemCall("fchmod", path) { fchmod(file, mode) }
        }
    }

    /// Gives a directory of ours the permissions of another one.
    package func openLike(_ pattern: String, _ path: String) throws(SystemError) {
        var wanted = stat()
        try systemCall("stat", pattern) { stat(pattern, &wanted) }
        let mode = wanted.st_mode & 0o7777 | 0o700
        try change(path) { (file, _) throws(SystemError) in
            try systemCall("fchmod", path) { fchmod(file, mode) }
        }
    }

    /// Lets a group through a directory of ours, and nobody else.
    package func open(_ path: String, to group: UInt32) throws(SystemError) {
        try set(path, user: geteuid(), group: group, mode: 0o710)
    }

    /// The same, of a path that is followed by its name.
    package static func open(_ path: String, to group: UInt32) throws(SystemError) {
        try Belongings().open(path, to: group)
    }

    /// Lets a group through a directory of ours and read it.
    package func show(_ path: String, to group: UInt32) throws(SystemError) {
        try set(path, user: geteuid(), group: group, mode: 0o750)
    }

    /// Gives away a directory.
    package func give(_ path: String, to identity: UserIdentity) throws(SystemError) {
        try set(path, user: identity.user, group: identity.group, mode: 0o700)
    }

    /// Gives away a regular file. One that has other names too is left as it is: it may be what others
    /// rely on.
    package func giveFile(
        _ path: String, to identity: UserIdentity
    ) throws(SystemError) {
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY
        let file = FileDescriptor(adopting: try openDescriptor(path, flags, anchors))
        let number = file.rawValue
        var found = stat()
        try systemCall("fstat", path) { fstat(number, &found) }
        guard found.st_mode & S_IFMT == S_IFREG, found.st_nlink == 1,
            found.st_uid != identity.user
        else { return }
        try systemCall("fchown", path) { fchown(number, identity.user, identity.group) }
    }

    /// Gives away the name of a socket, of which we have made the directory.
    package static func giveSocket(
        _ path: String, to identity: UserIdentity
    ) throws(SystemError) {
        try systemCall("lchown", path) { lchown(path, identity.user, identity.group) }
    }

    private func set(
        _ path: String, user: uid_t, group: gid_t, mode: mode_t
    ) throws(SystemError) {
        try change(path) { (file, found) throws(SystemError) in
            if found.st_uid != user || found.st_gid != group {
                try systemCall("fchown", path) { fchown(file, user, group) }
            }
            if found.st_mode & 0o7777 != mode {
                try systemCall("fchmod", path) { fchmod(file, mode) }
            }
        }
    }

    private func change(
        _ path: String, _ body: (Int32, stat) throws(SystemError) -> Void
    ) throws(SystemError) {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        let directory = FileDescriptor(adopting: try openDescriptor(path, flags, anchors))
        let number = directory.rawValue
        var found = stat()
        try systemCall("fstat", path) { fstat(number, &found) }
        try body(number, found)
    }
}

extension SpawnRequest {
    /// Makes the pipes and the terminal that we have made for the child its own, where it is another
    /// user: or it could not open them again by a name such as `/dev/stderr`.
    package func giveStreams() throws(SystemError) {
        guard let user = settings.identity?.user else { return }
        for stream in [standardInput, standardOutput, standardError] {
            guard case .descriptor(let number) = stream else { continue }
            var found = stat()
            try systemCall("fstat", "\(number)") { fstat(number, &found) }
            guard found.st_mode & S_IFMT == S_IFIFO || terminal != nil else { continue }
            try systemCall("fchown", "\(number)") { fchown(number, user, gid_t.max) }
        }
    }
}
