import SuperviseHost
import SuperviseSystem

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
