import SuperviseFormats
import SuperviseSystem

/// One peer on the socket: lines come in, lines go out, and neither side can make us wait.
final class Connection {
    /// Of a line, and of what is queued for a reader that does not read, in bytes.
    static let limit = 1 << 20

    private let socket: UnixConnection
    private let loop: EventLoop
    private var registration: EventLoop.Registration?
    private var input: [UInt8] = []
    /// Bytes of `input` that are known to hold no newline.
    private var searched = 0
    private var output: [UInt8] = []
    private var isClosing = false
    private(set) var isClosed = false
    private let received: (Connection, ArraySlice<UInt8>) -> Void
    private let closed: (Connection) -> Void

    /// - Parameters:
    ///   - received: called with each line, without its newline.
    ///   - closed: called once, when the connection is gone, whoever ended it.
    /// - Throws: EMFILE, ENOSPC.
    init(
        _ socket: UnixConnection, on loop: EventLoop,
        received: @escaping (Connection, ArraySlice<UInt8>) -> Void,
        closed: @escaping (Connection) -> Void
    ) throws(SystemError) {
        self.socket = socket
        self.loop = loop
        self.received = received
        self.closed = closed
        registration = try loop.watch(socket.descriptor, for: .read) {
            [unowned self] readiness in
            if readiness.contains(.write) { flush() }
            if !readiness.subtracting(.write).isEmpty { readSome() }
        }
    }

    /// Queues a line, and writes as much as the peer takes now; one that does not read is closed.
    func send(_ line: [UInt8]) {
        guard !isClosed else { return }
        guard output.count + line.count <= Self.limit else {
            close()
            return
        }
        let wasEmpty = output.isEmpty
        output += line
        if wasEmpty { flush() }
    }

    /// Closes once what is queued has been written; nothing more is read.
    func closeAfterWriting() {
        isClosing = true
        input = []
        if output.isEmpty { close() } else { wait(for: .write) }
    }

    /// Reads what is there, up to 4 MiB, without waiting: what the peer said before it ended.
    func drain() {
        var rounds = 64
        while !isClosed, !isClosing, rounds > 0, readOnce() { rounds -= 1 }
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        if let registration { loop.cancel(registration) }
        registration = nil
        socket.close()
        output = []
        input = []
        closed(self)
    }

    /// A few reads at a time, so that a peer that floods us does not starve the others.
    private func readSome() {
        var rounds = 4
        while !isClosed, !isClosing, rounds > 0, readOnce() { rounds -= 1 }
    }

    /// - Returns: whether there may be more.
    private func readOnce() -> Bool {
        do throws(SystemError) {
            switch try socket.read(into: &input) {
            case .bytes:
                takeLines()
                return true
            case .nothingYet:
                return false
            case .end:
                close()
                return false
            }
        } catch {
            close()
            return false
        }
    }

    private func takeLines() {
        var rest = input[...]
        while let end = rest.dropFirst(searched).firstIndex(of: UInt8(ascii: "\n")) {
            let line = rest[..<end]
            rest = rest[(end + 1)...]
            searched = 0
            received(self, line)
            if isClosed || isClosing { return }
        }
        input = Array(rest)
        searched = input.count
        if input.count > Self.limit { received(self, input[...]) }
    }

    private func flush() {
        do throws(SystemError) {
            let count = try socket.write(output[...])
            output.removeFirst(count)
        } catch {
            close()
            return
        }
        if output.isEmpty, isClosing {
            close()
            return
        }
        wait(for: isClosing ? .write : output.isEmpty ? .read : [.read, .write])
    }

    private func wait(for interest: EventLoop.Interest) {
        guard let registration else { return }
        do throws(SystemError) {
            try loop.change(registration, to: interest)
        } catch {
            close()
        }
    }
}
