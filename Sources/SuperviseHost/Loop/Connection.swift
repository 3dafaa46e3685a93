import SuperviseCore
import SuperviseFormats
import SuperviseSystem

/// One peer on the socket: reads its lines and writes to it, and never waits for it.
///
/// It is served in turns with all others, a few lines at a time. ``PeerRules`` decide when it is read from.
final class Connection {
    static let limit = SocketBounds.line
    /// A line of these saves something, or decides what comes next.
    private static let weightyWords: [StaticString] = [
        "\"commit\"", "\"add\"", "\"abort\"", "\"failed\"", "\"give_up\"",
    ]

    private let socket: UnixConnection
    private let loop: EventLoop
    private let crowd: Crowd
    private var registration: EventLoop.Registration?
    private var peer = PeerRules()
    private var input = LineBuffer()
    /// Bytes of an unfinished line that the crowd knows of.
    private var held = 0
    private var output: [UInt8] = []
    private let received: (Connection, ArraySlice<UInt8>) -> Void
    private let closed: (Connection) -> Void

    /// - Parameters:
    ///   - received: called with each line, without its newline; with the beginning of one that is
    ///     longer than ``limit``.
    ///   - closed: called once, when the connection is gone, whoever ended it.
    /// - Throws: EMFILE, ENOSPC.
    init(
        _ socket: UnixConnection, on loop: EventLoop, crowd: Crowd,
        received: @escaping (Connection, ArraySlice<UInt8>) -> Void,
        closed: @escaping (Connection) -> Void
    ) throws(SystemError) {
        self.socket = socket
        self.loop = loop
        self.crowd = crowd
        self.received = received
        self.closed = closed
        registration = try loop.watch(socket.descriptor, for: .read, rank: .inTurns) {
            [weak self] readiness in
            // Held until this is done: whoever owns us lets go of us in `closed`.
            self?.serve(readiness)
        }
    }

    /// Queues a line, and writes as much as the peer takes now; one that does not read is closed.
    func send(_ line: [UInt8]) {
        switch peer.queueing(line.count, behind: output.count) {
        case .drop: break
        case .close: close()
        case .queue:
            let wasEmpty = output.isEmpty
            output += line
            if wasEmpty { flush() }
        }
    }

    /// The peer has said this, which is about to be delivered.
    func note(_ message: JobMessage) { peer.said(message) }

    /// An answer to what the peer asks will follow.
    func owe() { peer.asked() }

    /// Queues what the peer has asked for.
    func answer(_ line: [UInt8]) {
        let wasHeldBack = isHeldBack
        peer.wasAnswered()
        reply(line)
        if wasHeldBack, !isHeldBack { goOn() }
    }

    /// The same for a line that was no question.
    func reply(_ line: [UInt8]) {
        peer.queues(answer: line.count)
        send(line)
        if output.isEmpty { peer.hasTakenAll() }
    }

    /// Closes once what is queued has been written; nothing more is read.
    func closeAfterWriting() {
        guard !peer.isClosed else { return }
        peer.beginClosing()
        forgetInput()
        waitOrClose()
    }

    func close() {
        guard !peer.isClosed else { return }
        peer.close()
        if let registration { loop.cancel(registration) }
        registration = nil
        socket.close()
        output = []
        forgetInput()
        closed(self)
    }

    private func serve(_ readiness: EventLoop.Readiness) {
        if readiness.contains(.write) { flush() }
        let isGone = !readiness.isDisjoint(with: [.hangup, .error])
        if peer.isOpen {
            if isGone { becomeDeaf() }
            if !readiness.subtracting(.write).isEmpty { takeTurn() }
        } else if isGone {
            // Nobody is there any more to read what is left.
            close()
        }
    }

    /// A few lines, so that a peer that floods us does not starve others.
    private func takeTurn() {
        if !input.hasLine, !isHeldBack { _ = read() }
        var left = SocketBounds.messagesInTurn
        while left > 0, !isHeldBack, hear() { left -= 1 }
        settle()
    }

    /// After a turn: what is left comes in the next one.
    private func settle() {
        switch peer.endTurn(
            hasLine: input.hasLine, unfinished: input.count, isFlooded: crowd.isFlooded())
        {
        case .none: break
        case .wait: waitOrClose()
        case .goOn: goOn()
        case .lineTooLong: received(self, input.all)
        case .heardOut:
            forgetInput()
            waitOrClose()
        case .close: close()
        case .more: if !noteHeld() { crowd.refuse(self) }
        }
    }

    private func goOn() {
        waitOrClose()
        if peer.isOpen, let registration { loop.again(registration) }
    }

    private var isHeldBack: Bool { peer.isHeldBack(isFlooded: crowd.isFlooded()) }

    /// The disk has caught up.
    func goOnAfterFlood() {
        if peer.isOpen, peer.waitsForDisk(isFlooded: true) { goOn() }
    }

    private func becomeDeaf() {
        peer.becomeDeaf()
        output = []
    }

    /// Reads once, and tells nobody.
    ///
    /// - Returns: how many bytes came; nil where nothing more comes now.
    private func read() -> Int? {
        guard peer.maySayMore else { return nil }
        do throws(SystemError) {
            let socket = socket
            let readMore = { (bytes: inout [UInt8]) throws(SystemError) -> ReadResult in
                try socket.read(into: &bytes)
            }
            switch try input.fill(readMore) {
            case .bytes(let count): return count
            case .nothingYet: return nil
            case .end:
                peer.hasSaidAll()
                return nil
            }
        } catch {
            close()
            return nil
        }
    }

    private func noteHeld() -> Bool {
        let before = held
        held = input.count
        return crowd.apply { $0.holds(held, before: before) }
    }

    private func forgetInput() {
        input = LineBuffer()
        _ = noteHeld()
    }

    private func flush() {
        do throws(SystemError) {
            output.removeFirst(try socket.write(output[...]))
        } catch {
            // Where it has gone, its end comes behind what it had said.
            guard peer.isOpen else { return close() }
            becomeDeaf()
        }
        guard output.isEmpty else { return waitOrClose() }
        let wasHeldBack = isHeldBack
        peer.hasTakenAll()
        if wasHeldBack, !isHeldBack, peer.isOpen { goOn() } else { waitOrClose() }
    }

    private func waitOrClose() {
        var interest: EventLoop.Interest
        let wish = peer.wish(isAllWritten: output.isEmpty, isFlooded: crowd.isFlooded())
        switch wish {
        case .close: return close()
        case .lines: interest = .read
        case .end: interest = .hangup
        case .disk: interest = []
        }
        guard let registration else { return }
        if wish == .disk { crowd.waitsForDisk() }
        if !output.isEmpty { interest.insert(.write) }
        do throws(SystemError) {
            try loop.change(registration, to: interest)
        } catch {
            close()
        }
    }
}

/// The last reading of what a peer had said so far.
extension Connection {
    /// Reads what is there without waiting, and tells nobody yet.
    ///
    /// - Returns: how many bytes came; nil where nothing more comes now.
    func gather() -> Int? {
        guard input.count < LastReading.bytesOfOne else { return nil }
        return read()
    }

    /// How many lines there are up to the last one that saves something.
    var weightyLines: Int { input.lines(upToLastWith: Self.weightyWords) }

    /// Tells of one line.
    ///
    /// - Returns: false where none is left.
    @discardableResult
    func hear() -> Bool {
        guard peer.isOpen, let line = input.takeLine() else { return false }
        received(self, line)
        return true
    }

    /// The rest waits for the next turn.
    func endReading() { settle() }
}
