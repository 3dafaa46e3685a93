import SuperviseCore
import SuperviseFormats
import SuperviseSystem

/// Everyone on the socket: accepts, checks who it is, reads messages, sends answers.
final class Switchboard {
    private let loop: EventLoop
    private let timers: TimerTable
    private let deliver: (Event) -> Void
    private var doors: [Door] = []
    private let notices: NoticeBox
    private let crowd: Crowd
    private var metrics = WaitingMetrics()
    private var connections: [ConnectionID: Connection] = [:]
    private var lastNumber = 0
    /// The order of the last reading, which the core decides.
    var orderOfLastReading: ([ConnectionID]) -> [ConnectionID] = { $0 }
    /// Whether more is ordered than the disk can do.
    var isFlooded: () -> Bool = { false }

    /// - Parameter beside: the path of the second socket, beside the state; nil for none.
    /// - Throws: what binding the first socket can throw.
    init(
        path: String, beside: String? = nil, job: UserIdentity? = nil, on loop: EventLoop,
        timers: TimerTable, _ deliver: @escaping (Event) -> Void
    ) throws(SystemError) {
        let users = SocketUsers(supervisor: userId(), job: job?.user)
        crowd = Crowd(SocketCrowd(users, descriptors: descriptorLimit()))
        self.loop = loop
        self.timers = timers
        self.deliver = deliver
        let door = try Door(path: path, .first(job: job), on: loop) { deliver(.warned($0)) }
        notices = try NoticeBox(
            path: SocketPath.notices(beside: path), friends: users, job: job, on: loop
        ) { deliver(.noticed($0)) }
        door.somethingGone = { [unowned self] in notices.makeSureOfName() }
        doors = [door]
        // Without it all goes on; whoever misses it is told how to reach us.
        if let beside, let second = try? Door(path: beside, .beside, on: loop, tell: { _ in }) {
            doors.append(second)
        }
        for door in doors {
            door.knocked = { [unowned self, unowned door] in
                accept(at: door, atMost: SocketBounds.connectionsInTurn)
            }
        }
        crowd.isFlooded = { [unowned self] in isFlooded() }
        crowd.waitsForDisk = { [unowned self] in waitForDisk() }
        crowd.refuse = { [unowned self] in
            refuse($0, "too many lines at once have begun and not ended; send whole lines")
        }
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

    /// Hears what every peer had said so far, whether it was let in yet or not: the job's last words before
    /// its end is reported. See ``LastReading`` for the order and the bounds.
    func drain() {
        notices.drain()
        for door in doors { accept(at: door, atMost: UnixListener.backlog) }
        let order = orderOfLastReading(Array(connections.keys))
        gather(order)
        let peers = order.compactMap { id in
            connections[id].map { LastReading.Peer(id: id, saving: $0.weightyLines) }
        }
        var reading = LastReading(peers, at: now)
        while let id = reading.next(at: now) {
            if connections[id]?.hear() != true { reading.isEmpty(id) }
        }
        for id in order { connections[id]?.endReading() }
        parseMetrics()
    }

    /// Reads in rounds, so that one who floods us does not take the room of others.
    private func gather(_ order: [ConnectionID]) {
        var room = LastReading.bytes
        var round = order
        while !round.isEmpty, room > 0 {
            var next: [ConnectionID] = []
            for id in round where room > 0 {
                guard let count = connections[id]?.gather() else { continue }
                room -= count
                next.append(id)
            }
            round = next
        }
    }

    private var now: Instant { .now() }

    /// To be called before a job is started that is to find the socket.
    func makeSureOfName() {
        for door in doors { door.makeSureOfName() }
        notices.makeSureOfName()
    }

    func end() {
        for door in doors { door.close() }
        notices.end()
    }

    /// After a rest that ``Alarm/accept`` ends.
    func acceptAgain() {
        for door in doors {
            door.open()
            accept(at: door, atMost: SocketBounds.connectionsInTurn)
        }
    }

    /// A bounded number a turn: clients that connect without end must not starve others.
    private func accept(at door: Door, atMost limit: Int) {
        for _ in 0..<limit {
            do throws(SystemError) {
                guard let accepted = try door.accept() else { return }
                let (user, open) = (accepted.peer.uid, connections.count)
                switch crowd.apply({ $0.arrives(of: user, open: open) }) {
                case .ignored, .turnedAway(isReported: false): continue
                case .turnedAway(isReported: true):
                    tellOfCrowd("\(crowd.apply { $0.room }) are open")
                case .letIn:
                    try add(accepted)
                    crowd.apply { $0.wasLetIn(open: open + 1) }
                }
            } catch {
                if crowd.apply({ $0.reportsRefusal() }) {
                    tellOfCrowd("\(error); others are tried every second")
                }
                rest()
                return
            }
        }
    }

    private func waitForDisk() {
        let now = now
        if let due = crowd.apply({ $0.waitsForDisk(at: now) }) { timers.set(.flood, at: due) }
    }

    /// Reads again from those who wait for the disk, once it has caught up.
    func goOnUnlessFlooded() { lookAtDisk(again: false) }

    /// The alarm ``Alarm/flood``.
    func lookAtFlood() { lookAtDisk(again: true) }

    private func lookAtDisk(again: Bool) {
        let (now, isFlooded) = (now, isFlooded)
        switch crowd.apply({ $0.lookAtDisk(isFlooded: isFlooded, at: now) }) {
        case .none: break
        case .lookAgain(let due): if again { timers.set(.flood, at: due) }
        case .over:
            timers.cancel(.flood)
            for connection in Array(connections.values) { connection.goOnAfterFlood() }
        }
    }

    private func rest() {
        for door in doors { door.rest() }
        timers.set(.accept, at: now + ShellBounds.nextAccept)
    }

    private func tellOfCrowd(_ reason: String) {
        deliver(.warned("a connection to the socket was not taken: \(reason)"))
    }

    private func add(_ accepted: UnixConnection) throws(SystemError) {
        lastNumber += 1
        let id = ConnectionID(lastNumber)
        connections[id] = try Connection(
            accepted, on: loop, crowd: crowd,
            received: { [unowned self] connection, line in received(line, connection, id) },
            closed: { [unowned self] _ in
                if let waiting = metrics.take(id), let connection = connections[id] {
                    read(waiting[...], connection, id)
                }
                connections[id] = nil
                deliver(.disconnected(id))
            })
    }

    private func received(_ line: ArraySlice<UInt8>, _ connection: Connection, _ id: ConnectionID) {
        guard line.count <= Connection.limit else {
            refuse(
                connection,
                "a line may have \(Connection.limit) bytes; write large things to files")
            return
        }
        guard line.count > SocketBounds.largeProgress, let progress = ProgressLine(line) else {
            read(line, connection, id)
            return
        }
        // Step and the like count at once.
        guard let rest = read(progress.rest[...], connection, id) else { return }
        let due = metrics.put(progress.message(seq: rest.seq), of: id, at: now)
        timers.set(.metrics, at: due)
    }

    /// - Returns: nil where it was refused.
    @discardableResult
    private func read(
        _ line: ArraySlice<UInt8>, _ connection: Connection, _ id: ConnectionID
    ) -> Envelope<JobMessage>? {
        do throws(RefusedLine) {
            let envelope = try Envelope<JobMessage>.read(line)
            connection.note(envelope.message)
            // What came before it counts before it.
            if case .progress(let progress) = envelope.message, progress.metrics != nil,
                let earlier = metrics.take(id)
            {
                read(earlier[...], connection, id)
            }
            deliver(.received(envelope.message, from: id, seq: envelope.seq))
            return envelope
        } catch {
            connection.reply(Self.line(.error(error.error), error.seq))
            return nil
        }
    }

    /// Parses the newest metrics of each connection that wait.
    func parseMetrics() {
        for (id, message) in metrics.takeAll(at: now) {
            if let connection = connections[id] { read(message[...], connection, id) }
        }
    }

    private func refuse(_ connection: Connection, _ reason: String) {
        connection.send(Self.line(.error(ProtocolError(.tooLong, reason)), nil))
        connection.closeAfterWriting()
    }
}
