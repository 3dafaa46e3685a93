import SuperviseCore
import SuperviseFormats
import SuperviseSystem

/// The socket and everyone on it: accepts, checks who it is, reads messages, sends answers.
final class Switchboard {
    private let loop: EventLoop
    private let path: String
    private let deliver: (Event) -> Void
    private var listener: UnixListener?
    private var listening: EventLoop.Registration?
    private var watch: DirectoryWatch?
    private var connections: [ConnectionID: Connection] = [:]
    private var lastNumber = 0
    /// So many connections are taken at once: the disk needs descriptors too.
    private let room = max(8, descriptorLimit() - 64)
    private var isCrowdTold = false

    /// - Throws: what binding the socket can throw.
    init(path: String, on loop: EventLoop, _ deliver: @escaping (Event) -> Void)
        throws(SystemError)
    {
        self.path = path
        self.loop = loop
        self.deliver = deliver
        try listen()
        watchName()
    }

    func send(_ message: SupervisorMessage, to id: ConnectionID, seq: Int64?) {
        guard let connection = connections[id] else { return }
        do throws(FormatError) {
            connection.send(try Envelope(message, seq: seq).line())
        } catch {
            let error = ProtocolError(.io, "the answer cannot be said in JSON: \(error)")
            if let line = try? Envelope(SupervisorMessage.error(error), seq: seq).line() {
                connection.send(line)
            }
        }
    }

    func close(_ id: ConnectionID) {
        connections[id]?.closeAfterWriting()
    }

    /// Reads what every peer had said so far: the job's last words before its end is told.
    func drain() {
        for (_, connection) in connections.sorted(by: { $0.key.number < $1.key.number }) {
            connection.drain()
        }
    }

    func end() {
        watch = nil
        if let listening { loop.cancel(listening) }
        listening = nil
        listener?.removeName()
        listener = nil
    }

    private func listen() throws(SystemError) {
        if let listening { loop.cancel(listening) }
        listening = nil
        let listener = try UnixListener(path: path)
        self.listener = listener
        listening = try loop.watch(listener.descriptor, for: .read) { [unowned self] _ in
            acceptAll()
        }
    }

    /// Temporary directories are cleaned by others: a socket whose name is gone is made again.
    private func watchName() {
        let parts = path.split(separator: "/")
        let directory = "/" + parts.dropLast().joined(separator: "/")
        let baseName = parts.last.map(String.init)
        watch = try? DirectoryWatch(directory, on: loop) { [unowned self] name in
            guard name == baseName, !pathExists(path) else { return }
            do throws(SystemError) {
                try listen()
                deliver(.warned("the socket \(path) was removed by somebody; made it again"))
            } catch {
                deliver(.warned("the socket was removed and cannot be made again: \(error)"))
            }
        }
    }

    private func acceptAll() {
        while true {
            do throws(SystemError) {
                guard let accepted = try listener?.accept() else { return }
                guard accepted.peer.uid == userId() || accepted.peer.uid == 0 else { continue }
                guard connections.count < room else {
                    tellOfCrowd("\(room) are open")
                    continue
                }
                try add(accepted)
                isCrowdTold = isCrowdTold && connections.count > room / 2
            } catch {
                tellOfCrowd("\(error)")
                return
            }
        }
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
            send(.error(ProtocolError(.tooLong, limit)), to: id, seq: nil)
            connection.closeAfterWriting()
            return
        }
        do throws(RefusedLine) {
            let envelope = try Envelope<JobMessage>.read(line)
            deliver(.received(envelope.message, from: id, seq: envelope.seq))
        } catch {
            send(.error(error.error), to: id, seq: error.seq)
        }
    }
}
