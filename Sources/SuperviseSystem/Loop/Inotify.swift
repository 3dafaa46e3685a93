import CLinux
import Glibc

/// Tells what happens to the names in directories (`inotify`).
///
/// Not Sendable: it belongs to the thread of its loop.
package final class Inotify {
    /// One thing that happened.
    package struct Change: Equatable, Sendable {
        /// What ``add(_:for:)`` gave for the directory; -1 where ``Kind/lost``.
        package var watch: Int32
        /// In the directory; empty where it is about the directory itself. What is no UTF-8 has
        /// been repaired, and so is the name of nothing.
        package var name: String
        package var kind: Kind
        /// The name is that of a directory.
        package var isDirectory: Bool

        package init(watch: Int32, name: String, kind: Kind, isDirectory: Bool) {
            self.watch = watch
            self.name = name
            self.kind = kind
            self.isDirectory = isDirectory
        }
    }

    package enum Kind: Equatable, Sendable {
        case created
        /// A file that was open for writing was closed.
        case written
        /// Moved here from elsewhere, or given this name.
        case movedHere
        case removed
        /// Moved elsewhere, or given another name.
        case movedAway
        /// The directory itself is gone, and the watch with it.
        case directoryGone
        /// The directory itself was moved; it is still watched.
        case directoryMoved
        /// The kernel's queue was full: anything may have happened anywhere.
        case lost
    }

    /// What to tell of.
    package struct Interest: OptionSet, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }

        package static let created = Interest(rawValue: UInt32(IN_CREATE))
        package static let written = Interest(rawValue: UInt32(IN_CLOSE_WRITE))
        package static let movedHere = Interest(rawValue: UInt32(IN_MOVED_TO))
        package static let gone = Interest(rawValue: UInt32(IN_DELETE | IN_MOVED_FROM))
        package static let directoryGone = Interest(
            rawValue: UInt32(IN_DELETE_SELF | IN_MOVE_SELF))
        package static let all: Interest = [.created, .written, .movedHere, .gone, .directoryGone]
    }

    private let descriptor: FileDescriptor
    private let loop: EventLoop
    private let handler: ([Change]) -> Void
    private var registration: EventLoop.Registration?

    /// - Parameter handler: gets what has happened, in order.
    /// - Throws: EMFILE, also at the user's limit of instances.
    package init(
        on loop: EventLoop, _ handler: @escaping ([Change]) -> Void
    ) throws(SystemError) {
        self.loop = loop
        self.handler = handler
        let number = try systemCall("inotify_init1") {
            inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        }
        descriptor = FileDescriptor(adopting: number)
        registration = try loop.watch(number, for: .read) { _ in
            handler(Self.readChanges(number) ?? [])
        }
    }

    deinit {
        if let registration { loop.cancel(registration) }
    }

    /// Watches a directory; a symbolic link to one is followed.
    ///
    /// - Returns: its number, never used again; the same where it is watched already, and then only
    ///   the new interest counts.
    /// - Throws: ENOENT, ENOTDIR, EACCES; ENOSPC at the user's limit of watches.
    package func add(_ directory: String, for interest: Interest) throws(SystemError) -> Int32 {
        let number = descriptor.rawValue
        return try systemCall("inotify_add_watch", directory) {
            inotify_add_watch(number, directory, interest.rawValue | UInt32(IN_ONLYDIR))
        }
    }

    /// Ends a watch; what had happened before may still be told.
    package func remove(_ watch: Int32) {
        // EINVAL: the directory is gone, and the watch with it.
        _ = inotify_rm_watch(descriptor.rawValue, watch)
    }

    /// Tells at once of all that has happened so far.
    package func drain() {
        // Somebody may change names faster than they are told.
        for _ in 0..<100 {
            guard let changes = Self.readChanges(descriptor.rawValue) else { return }
            handler(changes)
        }
    }

    /// Each record is a header and a name of `len` bytes, filled up with NUL (inotify(7)).
    ///
    /// - Returns: nil where there is nothing.
    private static func readChanges(_ descriptor: Int32) -> [Change]? {
        var changes: [Change] = []
        let header = MemoryLayout<inotify_event>.size
        let isEmpty = withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 8) { buffer in
            let count = read(descriptor, buffer.baseAddress, buffer.count)
            var offset = 0
            while count > 0, offset + header <= count {
                let event = buffer.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
                let start = offset + header
                let end = min(start + Int(event.len), count)
                let name = String(
                    decoding: buffer[start..<end].prefix { $0 != 0 }, as: UTF8.self)
                offset = end
                guard let kind = Kind(event.mask) else { continue }
                changes.append(
                    Change(
                        watch: event.wd, name: name, kind: kind,
                        isDirectory: event.mask & UInt32(IN_ISDIR) != 0))
            }
            return count <= 0
        }
        return isEmpty ? nil : changes
    }
}

extension Inotify.Kind {
    fileprivate init?(_ mask: UInt32) {
        func has(_ bits: Int32) -> Bool { mask & UInt32(bits) != 0 }
        if has(IN_Q_OVERFLOW) {
            self = .lost
        } else if has(IN_MOVE_SELF) {
            self = .directoryMoved
        } else if has(IN_DELETE_SELF | IN_UNMOUNT | IN_IGNORED) {
            self = .directoryGone
        } else if has(IN_CREATE) {
            self = .created
        } else if has(IN_CLOSE_WRITE) {
            self = .written
        } else if has(IN_MOVED_TO) {
            self = .movedHere
        } else if has(IN_MOVED_FROM) {
            self = .movedAway
        } else if has(IN_DELETE) {
            self = .removed
        } else {
            return nil
        }
    }
}

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
