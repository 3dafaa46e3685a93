import SuperviseFormats

/// One connection to the socket: when it is read from, and when it is closed.
///
///     open → heard out → closed   (the peer will say no more; what it asked is still answered)
///     open or heard out → closing → closed   (what is queued is written; nothing more is read)
///
/// A peer that does not read its answers is not read from, nor is one that orders more than the disk
/// can do. Who has this value holds the bytes; here are only their numbers.
package struct PeerRules: Equatable, Sendable {
    private enum State { case open, heardOut, closing, closed }

    private var state = State.open
    /// The peer has said its last; what it said before may not have been heard yet.
    private var hasEnded = false
    /// The peer takes nothing more; what it said before is still to be heard.
    private var isDeaf = false
    /// Bytes of answers that the peer asked for and has not read, at most.
    private var unreadAnswers = 0
    /// Questions of the peer that were not answered yet. One that says no more waits for these.
    private var owed = 0
    /// The peer has said something that gives the disk work, or lets it do so. A client that only asks,
    /// such as `supervise status` and `stop`, is always read.
    private var costsDisk = false

    package init() {}

    package var isOpen: Bool { state == .open }
    package var isClosed: Bool { state == .closed }

    /// More may be read from its socket.
    package var maySayMore: Bool { state == .open && !hasEnded }

    /// Whether nothing of it is read while the disk has too much to do.
    package func waitsForDisk(isFlooded: @autoclosure () -> Bool) -> Bool {
        costsDisk && isFlooded()
    }

    /// Whether nothing more of it is read, as it has asked for more than it reads, or than the disk can do.
    package func isHeldBack(isFlooded: @autoclosure () -> Bool) -> Bool {
        waitsForDisk(isFlooded: isFlooded())
            || (!isDeaf
                && (owed >= SocketBounds.unanswered || unreadAnswers > SocketBounds.unreadAnswers))
    }
}

/// What happens to the connection.
extension PeerRules {
    /// The peer has said this, before it is acted on.
    package mutating func said(_ message: JobMessage) {
        if message.isAnswered { asked() }
        if message.costsDisk { costsDisk = true }
    }

    /// An answer to what the peer asks will follow.
    package mutating func asked() { owed += 1 }

    package mutating func wasAnswered() { owed = max(0, owed - 1) }

    /// So many bytes that the peer has asked for are queued.
    package mutating func queues(answer bytes: Int) { unreadAnswers += bytes }

    /// The peer has taken all that was queued.
    package mutating func hasTakenAll() { unreadAnswers = 0 }

    /// The peer sends nothing after what was read.
    package mutating func hasSaidAll() { hasEnded = true }

    /// The peer is gone. What it had said is heard all the same.
    package mutating func becomeDeaf() {
        isDeaf = true
        unreadAnswers = 0
    }

    /// It is closed once what is queued is written, and nothing more is read.
    package mutating func beginClosing() { state = .closing }

    package mutating func close() { state = .closed }
}

/// What is to be done.
extension PeerRules {
    package enum Queueing: Equatable { case queue, drop, close }

    /// Whether a line is queued for the peer, behind so many bytes that it has not taken.
    ///
    /// A line behind which nothing waits is never too long.
    package func queueing(_ line: Int, behind queued: Int) -> Queueing {
        if state == .closed || isDeaf { return .drop }
        return queued == 0 || queued + line <= SocketBounds.line ? .queue : .close
    }

    package enum NextTurn: Equatable {
        /// It is closed, or is about to be.
        case none
        /// It waits until it may be read again.
        case wait
        /// It has whole lines left, and comes again after the others.
        case goOn
        /// Its line is longer than any may be.
        case lineTooLong
        /// The peer has said all, and waits for its answers.
        case heardOut
        /// The peer has said all, and is gone.
        case close
        /// Its line has not ended.
        case more
    }

    /// What comes after a turn in which some of its lines were heard.
    ///
    /// - Parameter unfinished: bytes that were read and not heard.
    package mutating func endTurn(
        hasLine: Bool, unfinished: Int, isFlooded: @autoclosure () -> Bool
    ) -> NextTurn {
        guard state == .open else { return .none }
        if isHeldBack(isFlooded: isFlooded()) { return .wait }
        if hasLine { return .goOn }
        if unfinished > SocketBounds.line { return .lineTooLong }
        guard hasEnded else { return .more }
        state = .heardOut
        return isDeaf ? .close : .heardOut
    }

    package enum Wish: Equatable {
        case close
        /// Its lines, or only that it is gone.
        case lines, end
        /// Nothing: it waits for the disk, and that it is gone would be reported again and again until it
        /// is heard.
        case disk
    }

    /// What is waited for from the peer.
    package func wish(isAllWritten: Bool, isFlooded: @autoclosure () -> Bool) -> Wish {
        if isAllWritten, state == .closing || (state == .heardOut && owed == 0) { return .close }
        guard state == .open else { return .end }
        if waitsForDisk(isFlooded: isFlooded()) { return .disk }
        return isHeldBack(isFlooded: isFlooded()) ? .end : .lines
    }
}

extension JobMessage {
    /// Whether it gives the disk work, or lets its sender do so from now on.
    fileprivate var costsDisk: Bool {
        switch self {
        case .hello, .begin, .commit, .add, .abort: true
        case .control(let control):
            ["pin", "unpin", "delete", "prune"].contains(control.command)
        case .heartbeat, .progress, .failed, .giveUp: false
        }
    }

    /// Whether its sender waits for one answer.
    fileprivate var isAnswered: Bool {
        switch self {
        case .hello, .begin, .commit, .add, .abort, .control: true
        case .heartbeat, .progress, .failed, .giveUp: false
        }
    }
}

extension SupervisorMessage {
    /// Whether somebody has asked for it.
    package var isAnswer: Bool {
        switch self {
        case .welcome, .began, .committed, .aborted, .ok, .status, .pruned, .error: true
        case .checkpointRequest, .stop: false
        }
    }
}
