import CLinux
import Glibc

/// Tells when a name is removed from a directory or moved out of it (`inotify`).
package final class DirectoryWatch {
    private let descriptor: FileDescriptor
    private let loop: EventLoop
    private var registration: EventLoop.Registration?

    /// - Parameter handler: gets the name that is gone; an empty one where the kernel has lost count,
    ///   or the directory itself is gone.
    /// - Throws: ENOENT, EACCES, ENOSPC at the user's limit of watches, EMFILE.
    package init(
        _ directory: String, on loop: EventLoop, _ handler: @escaping (String) -> Void
    ) throws(SystemError) {
        self.loop = loop
        let number = try systemCall("inotify_init1") {
            inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        }
        descriptor = FileDescriptor(adopting: number)
        try systemCall("inotify_add_watch", directory) {
            inotify_add_watch(number, directory, UInt32(IN_DELETE | IN_MOVED_FROM))
        }
        registration = try loop.watch(number, for: .read) { _ in
            for name in Self.readNames(number) { handler(name) }
        }
    }

    deinit {
        if let registration { loop.cancel(registration) }
    }

    /// Each record is a header and a name of `len` bytes, filled up with NUL (inotify(7)).
    private static func readNames(_ descriptor: Int32) -> [String] {
        var names: [String] = []
        let header = MemoryLayout<inotify_event>.size
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
            let count = read(descriptor, buffer.baseAddress, buffer.count)
            var offset = 0
            while count > 0, offset + header <= count {
                let event = buffer.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
                let start = offset + header
                let end = min(start + Int(event.len), count)
                let name = buffer[start..<end].prefix { $0 != 0 }
                names.append(String(decoding: name, as: UTF8.self))
                offset = end
            }
        }
        return names
    }
}
