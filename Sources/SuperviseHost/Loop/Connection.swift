import SuperviseCore
import SuperviseFormats
import SuperviseSystem

/// One peer on the socket: lines come in, lines go out, and neither side can make us wait.
///
///     open → heard out → closed   (the peer will say no more; what it asked is still answered)
///     open or heard out → closing → closed   (what is queued goes out; nothing more is read)
///
/// It is served in turns with all others, a few lines at a time; and one that does not read its answers
/// is not read from.
final class Connection {
    static let limit = SocketBounds.line
    /// A line of these saves something, or decides what comes next.
    private static let weightyWords: [StaticString] = [
        "\"commit\"", "\"add\"", "\"abort\"", "\"failed\"", "\"give_up\"",
    ]

    private enum State { case open, heardOut, closing, closed }

    private let socket: UnixConnection
    private let loop: EventLoop
    private let crowd: Crowd
    private var registration: EventLoop.Registration?
    private var state = State.open
    private var input = LineBuffer()
    /// As the crowd knows it.
    private var held = 0
    /// The peer has said its last; what it said before may still be in `input`.
    private var hasEnded = false
    /// It takes nothing more, and may have said something before.
    private var isDeaf = false
    private var output: [UInt8] = []
    /// Of `output`, at most: what it has asked for.
    private var unreadAnswers = 0
    /// Questions of the peer that were not answered yet. One that says no more waits for these.
    private(set) var owed = 0
    /// It has said something that gives the disk work, or lets it do so: it waits while the disk
    /// has too much to do. A client that only asks, such as `supervise status` and `stop`, is always read.
    var costsDisk = false
    private let received: (Connection, ArraySlice<UInt8>) -> Void
    private let closed: (Connection) -> Void

    /// - Parameters:
    ///   - received: called with each line, without its newline; with the beginning of one that is
    ///     longer than ``limit``.
    ///   - closed: called once, when the connection is gone, whoever ended it.
    /// - Throws: EMFILE, ENOSPC.
    init(
        _ socket: UnixConnection, on loop: EventLoop, crowd: Crowd = Crowd(),
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
        guard state != .closed, !isDeaf else { return }
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
        let wasHeldBack = isHeldBack
        owed = max(0, owed - 1)
        reply(line)
        if wasHeldBack, !isHeldBack { goOn() }
    }

    /// The same for a line that was no question.
    func reply(_ line: [UInt8]) {
        unreadAnswers += line.count
        send(line)
        if output.isEmpty { unreadAnswers = 0 }
    }

    /// Closes once what is queued has been written; nothing more is read.
    func closeAfterWriting() {
        guard state != .closed else { return }
        state = .closing
        forgetInput()
        waitOrClose()
    }

    func close() {
        guard state != .closed else { return }
        state = .closed
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
        switch state {
        case .open:
            if isGone { becomeDeaf() }
            if !readiness.subtracting(.write).isEmpty { takeTurn() }
        case .heardOut, .closing:
            // Nobody is there any more to read what is left.
            if isGone { close() }
        case .closed:
            break
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
        guard state == .open else { return }
        if isHeldBack { return waitOrClose() }
        if input.hasLine { return goOn() }
        if input.count > Self.limit {
            received(self, input.all)
        } else if hasEnded {
            // It may have said all that it wants to say, and wait for the answer.
            state = .heardOut
            forgetInput()
            if isDeaf { close() } else { waitOrClose() }
        } else if !noteHeld() {
            crowd.refuse(self)
        }
    }

    private func goOn() {
        waitOrClose()
        if state == .open, let registration { loop.again(registration) }
    }

    /// It has asked for more than it cares to read, or for more than the disk can do.
    private var isHeldBack: Bool {
        waitsForDisk
            || (!isDeaf
                && (owed >= SocketBounds.unanswered || unreadAnswers > SocketBounds.unreadAnswers))
    }

    private var waitsForDisk: Bool { costsDisk && crowd.isFlooded() }

    /// The disk has caught up.
    func goOnAfterFlood() {
        if costsDisk, state == .open { goOn() }
    }

    /// Nobody is there to be answered; what it had said is heard all the same.
    private func becomeDeaf() {
        isDeaf = true
        output = []
        unreadAnswers = 0
    }

    /// Reads once, and tells nobody.
    ///
    /// - Returns: how many bytes came; nil where nothing more comes now.
    private func read() -> Int? {
        guard !hasEnded, state == .open else { return nil }
        do throws(SystemError) {
            let socket = socket
            let readMore = { (bytes: inout [UInt8]) throws(SystemError) -> ReadResult in
                try socket.read(into: &bytes)
            }
            switch try input.fill(readMore) {
            case .bytes(let count): return count
            case .nothingYet: return nil
            case .end:
                hasEnded = true
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
        return crowd.holds(held, before: before)
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
            guard state == .open else { return close() }
            becomeDeaf()
        }
        guard output.isEmpty else { return waitOrClose() }
        let wasHeldBack = isHeldBack
        unreadAnswers = 0
        if wasHeldBack, !isHeldBack, state == .open { goOn() } else { waitOrClose() }
    }

    private func waitOrClose() {
        if output.isEmpty, state == .closing || (state == .heardOut && owed == 0) {
            close()
            return
        }
        guard let registration else { return }
        var interest: EventLoop.Interest =
            state == .open && !isHeldBack ? .read : .hangup
        if state == .open, waitsForDisk {
            // Nothing at all: that it has gone would be told again and again until it is heard.
            interest = []
            crowd.waitsForDisk()
        }
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
        guard state == .open, let line = input.takeLine() else { return false }
        received(self, line)
        return true
    }

    /// The rest waits for the next turn.
    func endReading() { settle() }
}
