import Glibc
import SuperviseSystem
import TestSupport
import Testing

/// A pipe with a name, and a reader of it that lives and reads only when it is told to.
final class SlowReader {
    let path: String
    private let descriptor: FileDescriptor
    private(set) var bytes: [UInt8] = []

    init(in place: Place, _ name: String = "fifo") throws {
        let path = "\(place.path)/\(name)"
        try systemCall("mkfifo", path) { mkfifo(path, 0o600) }
        descriptor = FileDescriptor(
            adopting: try systemCall("open", path) {
                open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK)
            })
        self.path = path
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Reads until so many bytes have come.
    func read(_ count: Int) throws {
        while bytes.count < count {
            var entry = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
            let isReady = try systemCall("poll") { poll(&entry, 1, patience.milliseconds) }
            try #require(isReady == 1, "\(bytes.count) bytes came, and no more")
            _ = try readAvailable(descriptor.rawValue, into: &bytes)
        }
    }

    /// Reads what is there, when nobody writes any more.
    func readRest() throws {
        while case .bytes = try readAvailable(descriptor.rawValue, into: &bytes) {}
    }

    /// Waits until the pipe is full: who writes is held up.
    func waitUntilFull() throws {
        try waitBriefly {
            var entry = pollfd(fd: descriptor.rawValue, events: Int16(POLLOUT), revents: 0)
            return try systemCall("poll") { poll(&entry, 1, 0) } == 0
        }
    }
}

extension Place {
    /// Supervises a command with its streams where a shell's redirections say, such as `> fifo`.
    func supervise(
        _ options: [String], _ command: [String], redirected: String, name: String = Place.name,
        hasInput: Bool = false
    ) throws -> Program {
        let call =
            [binary] + arguments(["--backoff", "0ms..0ms"] + options, name: name) + command
        return try start(
            ["sh", "-c", "exec \"$@\" \(redirected)", "sh"] + call, hasInput: hasInput)
    }

    /// Supervises a command between others, such as `producer | "$@" | reader`; the line's standard error
    /// is descriptor 3 as well.
    func supervise(
        _ options: [String], _ command: [String], inLine line: String
    ) throws -> Program {
        let call = [binary] + arguments(["--backoff", "0ms..0ms"] + options) + command
        return try start(["bash", "-c", "exec 3>&2; \(line)", "bash"] + call)
    }
}
