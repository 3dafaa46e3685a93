import Glibc
import SuperviseSystem

/// A raw connection to a Unix-domain socket, for what a good client never does.
package final class Peer {
    package let descriptor: Int32
    private var received: [UInt8] = []
    private var isOver = false

    /// - Throws: ENOENT, ECONNREFUSED, EACCES, and what a path that is too long gives.
    package init(path: String) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        try withUnsafeMutableBytes(of: &address.sun_path) { room in
            guard bytes.count < room.count else { throw TestFailure("\(path) is too long") }
            room.copyBytes(from: bytes)
        }
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        descriptor = try systemCall("socket") { socket(AF_UNIX, kind, 0) }
        let number = descriptor
        try systemCall("connect", path) {
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
    }

    deinit {
        close(descriptor)
    }

    /// Sends all of it, waiting as long as it takes.
    ///
    /// - Throws: EPIPE or ECONNRESET where the other side has closed.
    package func send(_ bytes: some Sequence<UInt8>) throws {
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let number = descriptor
            let count = try systemCall("send") {
                rest.withUnsafeBytes {
                    Glibc.send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
            }
            rest = rest.dropFirst(count)
        }
    }

    /// Sends a short line, if that can be done without waiting.
    ///
    /// - Returns: false where the other side has to read first.
    /// - Throws: EPIPE or ECONNRESET where the other side has closed.
    package func sendAtOnce(line: String) throws -> Bool {
        let number = descriptor
        let bytes = Array((line + "\n").utf8)
        do {
            let count = try systemCall("send") {
                Glibc.send(number, bytes, bytes.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
            }
            // The kernel takes a line of this length as a whole.
            return count == bytes.count
        } catch {
            guard error.code == EAGAIN else { throw error }
            return false
        }
    }

    package func send(line: String) throws {
        try send((line + "\n").utf8)
    }

    /// Takes no more from us; we can still read.
    package func finish() throws {
        let number = descriptor
        try systemCall("shutdown") { shutdown(number, Int32(SHUT_WR)) }
    }

    /// Goes altogether; nothing can be done with it after that.
    package func hangUp() throws {
        let number = descriptor
        // The number stays ours until the end, and leads to nothing.
        let null = try systemCall("open", "/dev/null") { open("/dev/null", O_RDWR | O_CLOEXEC) }
        try systemCall("dup2") { dup2(null, number) }
        close(null)
    }

    /// The next line; nil where the other side has closed.
    package func readLine() throws -> String? {
        let deadline = MonotonicTime.now() + patience
        while true {
            if let line = takeLine() { return line }
            if isOver { return nil }
            try readMore(until: deadline)
        }
    }

    /// A line that is there already; nil where there is none yet. Never waits.
    package func takeLine() -> String? {
        guard let end = received.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let line = String(decoding: received[..<end], as: UTF8.self)
        received.removeSubrange(...end)
        return line
    }

    /// Reads once what has arrived, for an event loop.
    ///
    /// - Returns: false where the other side has closed.
    package func readOnce() throws -> Bool {
        if case .end = try readAvailable(descriptor, into: &received) { isOver = true }
        return !isOver
    }

    private func readMore(until deadline: MonotonicTime) throws {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let left = max(0, (deadline - .now()).milliseconds)
        guard try systemCall("poll", "", { poll(&entry, 1, left) }) > 0 else {
            throw TestFailure("no line came from the socket")
        }
        _ = try readOnce()
    }
}
