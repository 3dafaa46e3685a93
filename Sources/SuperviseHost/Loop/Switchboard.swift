import SuperviseCore
import SuperviseFormats
import SuperviseSystem

/// Everyone on the socket: accepts, checks who it is, reads messages, sends answers.
final class Switchboard {
    /// Users whose connections are taken: ours, root and the job's.
    private let friends: Set<UInt32>
    private let loop: EventLoop
    private let timers: TimerTable
    private let deliver: (Event) -> Void
    private let door: Door
    private let notices: NoticeBox
    private var connections: [ConnectionID: Connection] = [:]
    private var lastNumber = 0
    /// So many connections are taken at once: the disk needs descriptors too.
    private let room = max(8, descriptorLimit() - 64)
    private var isCrowdTold = false

    /// - Throws: what binding the socket can throw.
    init(
        path: String, job: UserIdentity? = nil, on loop: EventLoop, timers: TimerTable,
        _ deliver: @escaping (Event) -> Void
    ) throws(SystemError) {
        let friends = Set([userId(), 0, job?.user ?? 0])
        self.friends = friends
        self.loop = loop
        self.timers = timers
        self.deliver = deliver
        door = try Door(path: path, job: job, on: loop) { deliver(.warned($0)) }
        notices = try NoticeBox(
            path: SocketPath.notices(beside: path), friends: friends, job: job, on: loop
        ) { deliver(.noticed($0)) }
        door.somethingGone = { [unowned self] in notices.makeSureOfName() }
        door.knocked = { [unowned self] in acceptAll() }
    }

    func send(_ message: SupervisorMessage, to id: ConnectionID, seq: Int64?) {
        guard let connection = connections[id] else { return }
        let line = Self.line(message, seq)
        if message.isAnswer { connection.answer(line) } else { connection.send(line) }
    }

    private static func line(_ message: SupervisorMessage, _ seq: Int64?) -> [UInt8] {
        do throws(FormatError) {
            return try Envelope(message, seq: seq).line()
        } catch {
            let error = ProtocolError(.io, "the answer cannot be said in JSON: \(error)")
            return (try? Envelope(SupervisorMessage.error(error), seq: seq).line()) ?? []
        }
    }

    func close(_ id: ConnectionID) {
        connections[id]?.closeAfterWriting()
    }

    /// Reads what every peer had said so far, whether it was let in yet or not: the job's last
    /// words before its end is told.
    func drain() {
        notices.drain()
        acceptAll()
        for (_, connection) in connections.sorted(by: { $0.key.number < $1.key.number }) {
            connection.drain()
        }
    }

    /// To be called before a job is started that is to find the socket.
    func makeSureOfName() {
        door.makeSureOfName()
        notices.makeSureOfName()
    }

    func end() {
        door.close()
        notices.end()
    }

    /// After a rest that ``Alarm/accept`` ends.
    func acceptAgain() {
        door.open()
        acceptAll()
    }

    /// As many as can wait at once, and no more: whoever comes without end must not starve others.
    private func acceptAll() {
        for _ in 0..<UnixListener.backlog {
            do throws(SystemError) {
                guard let accepted = try door.accept() else { return }
                guard friends.contains(accepted.peer.uid) else { continue }
                guard connections.count < room else {
                    tellOfCrowd("\(room) are open")
                    continue
                }
                try add(accepted)
                isCrowdTold = isCrowdTold && connections.count > room / 2
            } catch {
                tellOfCrowd("\(error); others are tried every second")
                rest()
                return
            }
        }
    }

    /// Whoever waits at the door would wake us again and again while there is no descriptor.
    private func rest() {
        door.rest()
        timers.set(.accept, at: Instant(nanoseconds: MonotonicTime.now().nanoseconds) + .seconds(1))
    }

    /// Once for a crowd, however many it turns away.
    private func tellOfCrowd(_ reason: String) {
        guard !isCrowdTold else { return }
        isCrowdTold = true
        deliver(.warned("a connection to the socket was not taken: \(reason)"))
    }

    private func add(_ accepted: UnixConnection) throws(SystemError) {
        lastNumber += 1
        let id = ConnectionID(lastNumber)
        connections[id] = try Connection(
            accepted, on: loop,
            received: { [unowned self] connection, line in received(line, connection, id) },
            closed: { [unowned self] _ in
                connections[id] = nil
                deliver(.disconnected(id))
            })
    }

    private func received(_ line: ArraySlice<UInt8>, _ connection: Connection, _ id: ConnectionID) {
        guard line.count <= Connection.limit else {
            let limit = "a line may have \(Connection.limit) bytes; write large things to files"
            connection.send(Self.line(.error(ProtocolError(.tooLong, limit)), nil))
            connection.closeAfterWriting()
            return
        }
        do throws(RefusedLine) {
            let envelope = try Envelope<JobMessage>.read(line)
            if envelope.message.isAnswered { connection.owe() }
            deliver(.received(envelope.message, from: id, seq: envelope.seq))
        } catch {
            connection.send(Self.line(.error(error.error), error.seq))
        }
    }
}

extension JobMessage {
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
    fileprivate var isAnswer: Bool {
        switch self {
        case .welcome, .began, .committed, .aborted, .ok, .status, .pruned, .error: true
        case .checkpointRequest, .stop: false
        }
    }
}
