import SuperviseCore
import SuperviseFormats
import SuperviseHost
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// An operator's connection to the supervisor of a run.
struct ControlConnection {
    let run: FoundRun
    private let client: UnixClient

    /// - Parameters:
    ///   - call: the words of the command, for one that has to be called in another container.
    ///   - limit: how long a supervisor that has just started may take to publish its socket.
    /// - Throws: ``Complaint`` where the run is not running, or its supervisor does not answer.
    init(
        to run: FoundRun, for call: [String]? = nil, at now: Timestamp,
        within limit: Duration = .seconds(10)
    ) throws(Complaint) {
        self.run = run
        let (glance, socket) = try Self.reachable(run, at: now, within: limit)
        do throws(SystemError) {
            client = try SupervisorSocket(run.store.paths.run, published: socket).connect()
        } catch {
            throw Complaint(
                Self.unreachable(run, glance.status, "\(error)", call), status: Complaint.no)
        }
    }

    private static func unreachable(
        _ run: FoundRun, _ status: Status, _ reason: String, _ call: [String]?
    ) -> String {
        let call = call ?? ["supervise", "status", run.name.description]
        let distance = SupervisorDistance(to: status)
        let who = "pid \(status.supervisorPID)\(distance.phrase)"
        let what = "the supervisor of \(run.name) (\(who)) cannot be reached: \(reason)"
        return distance.advice(call).map { "\(what); \($0)" } ?? what
    }

    /// Waits for the socket of a supervisor that holds the lock and has not published it yet.
    private static func reachable(
        _ run: FoundRun, at now: Timestamp, within limit: Duration
    ) throws(Complaint) -> (glance: Glance, socket: String) {
        let deadline = MonotonicTime.now() + limit
        let paths = run.store.paths
        var changes: DirectoryChanges?
        while true {
            let glance = try run.glance(at: now)
            guard glance.isRunning else {
                throw Complaint(
                    "run \(run.name) is not running (\(glance.word))", status: Complaint.no)
            }
            if let socket = glance.status.socket { return (glance, socket) }
            let hasChanged: Bool
            do throws(SystemError) {
                if let changes {
                    hasChanged = try changes.wait(until: deadline)
                } else {
                    // Read once more: it may have been published before the watch was there.
                    changes = try DirectoryChanges(in: [paths.run, paths.locks])
                    hasChanged = true
                }
            } catch {
                throw Complaint(
                    "cannot wait until run \(run.name) has started: \(error)",
                    status: Complaint.no)
            }
            guard hasChanged else {
                throw Complaint(
                    "the supervisor of \(run.name) (pid \(glance.status.supervisorPID)) is starting, "
                        + "and has published no socket within \(DurationText.format(limit)); "
                        + "supervise doctor \(run.name) looks for the reason", status: Complaint.no)
            }
        }
    }

    /// Asks, and waits for the answer.
    ///
    /// - Parameter limit: how long each line may take; nil waits for ever.
    /// - Throws: ``Complaint`` where the supervisor refuses, goes away or takes too long.
    func ask(
        _ control: JobMessage.Control, within limit: Duration? = nil
    ) throws(Complaint) -> SupervisorMessage {
        do {
            let line = try Envelope<JobMessage>(.control(control), seq: 1).line()
            try client.send(line: String(decoding: line.dropLast(), as: UTF8.self))
            while let line = try client.readLine(within: limit) {
                let answer = try JSONText.decode(
                    Envelope<SupervisorMessage>.self, from: line.utf8)
                guard answer.seq == 1 else { continue }
                if case .error(let error) = answer.message {
                    throw Complaint(error.message, status: Complaint.no)
                }
                return answer.message
            }
        } catch let complaint as Complaint {
            throw complaint
        } catch {
            throw Complaint(
                "the supervisor of \(run.name) gave no answer: \(error)", status: Complaint.no)
        }
        throw Complaint(
            "the supervisor of \(run.name) ended without an answer", status: Complaint.no)
    }

    /// Waits until the supervisor has closed the connection: the last that it does.
    func waitForEnd() {
        do throws(SystemError) {
            while try client.readLine(within: nil) != nil {}
        } catch {
            // A connection that broke is one that ended.
        }
    }
}

/// The ways to the supervisor of a run: the socket beside the state, and the one that it has published.
struct SupervisorSocket {
    private let run: String
    private let published: String?

    /// - Parameters:
    ///   - run: the run's directory, as it is called here.
    ///   - published: as the supervisor calls it, which in another container leads nowhere or elsewhere.
    init(_ run: String, published: String?) {
        self.run = run
        self.published = published
    }

    /// Connects to the first that answers. The one beside the state comes first: it can be of no other
    /// supervisor.
    ///
    /// - Throws: why the published one cannot be connected to.
    func connect(within limit: Duration = .seconds(5)) throws(SystemError) -> UnixClient {
        guard let published, published != SocketBeside.path(of: run) else {
            return try besideTheState(within: limit)
        }
        if let client = try? besideTheState(within: limit) { return client }
        return try UnixClient(path: published, limit: limit)
    }

    /// Whether there is anything to connect to.
    var isThere: Bool { published != nil || pathExists(SocketBeside.path(of: run)) }

    /// Whoever can write to the directories above could put a socket of theirs there: the listener must be
    /// the owner of the run, or root.
    private func besideTheState(within limit: Duration) throws(SystemError) -> UnixClient {
        let path = SocketBeside.path(of: run)
        let client = try UnixClient(path: path, mayBeLong: true, limit: limit)
        try client.requireListener(among: [0, Ownership.of(run).user])
        return client
    }
}
