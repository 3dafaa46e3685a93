import CLinux
import Glibc

/// Waits for anything to change in some directories, for a program that does nothing else.
package final class DirectoryChanges {
    private let inotify: FileDescriptor

    /// - Throws: ENOENT, EACCES, ENOSPC at the user's limit of watches, EMFILE.
    package init(in directories: [String]) throws(SystemError) {
        let number = try systemCall("inotify_init1") {
            inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        }
        inotify = FileDescriptor(adopting: number)
        let changes = IN_MODIFY | IN_CREATE | IN_MOVE | IN_DELETE | IN_CLOSE_WRITE | IN_DELETE_SELF
        for directory in directories {
            try systemCall("inotify_add_watch", directory) {
                inotify_add_watch(number, directory, UInt32(changes | IN_ONLYDIR))
            }
        }
    }

    /// Waits until something has changed since the last time, or `deadline` has passed.
    ///
    /// - Returns: whether something has changed.
    package func wait(until deadline: MonotonicTime) throws(SystemError) -> Bool {
        guard try waitUntilReady(inotify.rawValue, for: Int32(POLLIN), until: deadline) else {
            return false
        }
        var events: [UInt8] = []
        while case .bytes = try readAvailable(inotify.rawValue, into: &events) { events = [] }
        return true
    }

    /// Waits until something has changed since the last time.
    ///
    /// - Parameter reader: a descriptor that we write to.
    /// - Returns: false where nobody reads what is written there any more.
    package func wait(whileRead reader: Int32) throws(SystemError) -> Bool {
        var entries = [
            pollfd(fd: inotify.rawValue, events: Int16(POLLIN), revents: 0),
            pollfd(fd: reader, events: 0, revents: 0),
        ]
        try systemCall("poll") { poll(&entries, nfds_t(entries.count), -1) }
        if entries[1].revents != 0 { return false }
        var events: [UInt8] = []
        while case .bytes = try readAvailable(inotify.rawValue, into: &events) { events = [] }
        return true
    }
}

/// Tells when a name is removed from a directory or moved out of it, or the directory itself is.
package final class DirectoryWatch {
    private let inotify: Inotify

    /// - Parameter handler: gets the name that is gone; an empty one where the kernel has lost count,
    ///   or the directory itself is gone or has another name.
    /// - Throws: ENOENT, EACCES, ENOSPC at the user's limit of watches, EMFILE.
    package init(
        _ directory: String, on loop: EventLoop, _ handler: @escaping (String) -> Void
    ) throws(SystemError) {
        inotify = try Inotify(on: loop) { changes in
            for change in changes { handler(change.name) }
        }
        _ = try inotify.add(directory, for: [.gone, .directoryGone])
    }
}
