import SuperviseFormats
import SuperviseSystem

/// One peer on the socket: lines come in, lines go out, and neither side can make us wait.
///
///     open → heard out → closed   (the peer will say no more; what it asked is still answered)
///     open or heard out → closing → closed   (what is queued goes out; nothing more is read)
final class Connection {
    /// Of a line, and of what is queued for a reader that does not read, in bytes.
    static let limit = 1 << 20

    private enum State { case open, heardOut, closing, closed }

    private let socket: UnixConnection
    private let loop: EventLoop
    private var registration: EventLoop.Registration?
    private var state = State.open
    private var input: [UInt8] = []
    /// Bytes at the beginning of `input` that are known to hold no newline.
    private var searched = 0
    private var output: [UInt8] = []
    /// Questions of the peer that were not answered yet. One that says no more waits for these.
    private(set) var owed = 0
    private let received: (Connection, ArraySlice<UInt8>) -> Void
    private let closed: (Connection) -> Void

    /// - Parameters:
    ///   - received: called with each line, without its newline; with the beginning of one that is
    ///     longer than ``limit``.
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
        registration = try loop.watch(socket.descriptor, for: .read) { [weak self] readiness in
            // Held until this is done: whoever owns us lets go of us in `closed`.
            self?.serve(readiness)
        }
    }

    /// Queues a line, and writes as much as the peer takes now; one that does not read is closed.
    func send(_ line: [UInt8]) {
        guard state != .closed else { return }
        // A single answer is never too long.
        guard output.isEmpty || output.count + line.count <= Self.limit else {
            close()
            return
        }
        let wasEmpty = output.isEmpty
        output += line
        if wasEmpty { flush() }
    }

    /// An answer to what the peer asks will follow.
    func owe() {
        owed += 1
    }

    /// Queues what the peer has asked for.
    func answer(_ line: [UInt8]) {
        owed = max(0, owed - 1)
        send(line)
    }

    /// Closes once what is queued has been written; nothing more is read.
    func closeAfterWriting() {
        guard state != .closed else { return }
        state = .closing
        input = []
        waitOrClose()
    }

    /// Reads what is there, up to 4 MiB, without waiting: what the peer said before it ended.
    func drain() {
        var rounds = 64
        while state == .open, rounds > 0, readOnce() { rounds -= 1 }
    }

    func close() {
        guard state != .closed else { return }
        state = .closed
        if let registration { loop.cancel(registration) }
        registration = nil
        socket.close()
        output = []
        input = []
        closed(self)
    }

    private func serve(_ readiness: EventLoop.Readiness) {
        if readiness.contains(.write) { flush() }
        switch state {
        case .open:
            // Once, so that a peer that floods us does not starve others: the rest is told again.
            if !readiness.subtracting(.write).isEmpty { _ = readOnce() }
        case .heardOut, .closing:
            // Nobody is there any more to read what is left.
            if !readiness.isDisjoint(with: [.hangup, .error]) { close() }
        case .closed:
            break
        }
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
                // It may have said all that it wants to say, and wait for the answer.
                state = .heardOut
                input = []
                waitOrClose()
                return false
            }
        } catch {
            close()
            return false
        }
    }

    /// Looks at each byte once, and moves what is left of the input at most once a read.
    private func takeLines() {
        var start = 0
        while let end = input[max(start, searched)...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = input[start..<end]
            start = end + 1
            received(self, line)
            if state != .open { return }
        }
        if start > 0 { input.removeSubrange(..<start) }
        searched = input.count
        if searched > Self.limit { received(self, input[...]) }
    }

    private func flush() {
        do throws(SystemError) {
            output.removeFirst(try socket.write(output[...]))
        } catch {
            close()
            return
        }
        waitOrClose()
    }

    private func waitOrClose() {
        if output.isEmpty, state == .closing || (state == .heardOut && owed == 0) {
            close()
            return
        }
        guard let registration else { return }
        var interest: EventLoop.Interest = state == .open ? .read : .hangup
        if !output.isEmpty { interest.insert(.write) }
        do throws(SystemError) {
            try loop.change(registration, to: interest)
        } catch {
            close()
        }
    }
}
