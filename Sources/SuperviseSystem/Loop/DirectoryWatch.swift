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
