import SuperviseCore
import SuperviseStore
import SuperviseSystem

/// The socket's name in the file system, and who waits there.
///
/// Temporary directories are cleaned by others: a name that is gone is made again, with its
/// directory. Connections that are open do not notice.
final class Door {
    private let path: String
    private let directory: String
    private let baseName: String
    private let loop: EventLoop
    private let kind: Kind
    private let tell: (String) -> Void
    private var listener: UnixListener?
    private var listening: EventLoop.Registration?
    private var watch: DirectoryWatch?
    private var isResting = false
    /// Called when somebody waits.
    var knocked: () -> Void = {}
    /// Called when something in the socket's directory was removed, or all of it.
    var somethingGone: () -> Void = {}

    /// Whose door it is.
    enum Kind {
        /// The job's, which is given to its user. It is made again at once when it is removed.
        case first(job: UserIdentity?)
        /// That of operators beside the state, of a path of any length. Its disk may hang, so that it is not
        /// touched again while we are at work.
        case beside
    }

    /// - Parameter tell: gets a sentence when the name was removed by somebody.
    /// - Throws: what binding the socket can throw.
    init(
        path: String, _ kind: Kind, on loop: EventLoop, tell: @escaping (String) -> Void
    ) throws(SystemError) {
        self.path = path
        self.kind = kind
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) ?? path.startIndex
        directory = slash == path.startIndex ? "/" : String(path[..<slash])
        baseName = String(path[slash...].drop { $0 == "/" })
        self.loop = loop
        self.tell = tell
        try listen()
        watchName()
    }

    func accept() throws(SystemError) -> UnixConnection? {
        try listener?.accept()
    }

    /// Nobody is noticed who waits, until ``open()``.
    func rest() {
        isResting = true
        wait(for: [])
    }

    func open() {
        isResting = false
        wait(for: .read)
    }

    /// Removes the name of the first one; nobody comes any more.
    func close() {
        watch = nil
        stopListening()
        if kind.isWatched { listener?.removeName() }
        listener = nil
    }

    func makeSureOfName() {
        guard kind.isWatched, listener != nil, !pathExists(path) else { return }
        do throws(SystemError) {
            for directory in [parent(of: directory), directory] where !pathExists(directory) {
                _ = try makePrivateDirectory(directory, openTo: kind.job?.group)
            }
            // First, so that no removal is missed in between.
            watchName()
            try listen()
            tell("the socket \(path) was removed by somebody; made it again")
        } catch {
            tell(
                "the socket \(path) was removed by somebody and cannot be made again: \(error); "
                    + "whoever connects now cannot, and the next attempt tries to make it once more"
            )
        }
    }

    private func listen() throws(SystemError) {
        let listener = try UnixListener(path: path, mayBeLong: !kind.isWatched)
        if let job = kind.job { try Belongings.giveSocket(path, to: job) }
        stopListening()
        self.listener = listener
        listening = try loop.watch(
            listener.descriptor, for: isResting ? [] : .read, rank: .inTurns
        ) { [unowned self] _ in knocked() }
    }

    private func stopListening() {
        if let listening { loop.cancel(listening) }
        listening = nil
    }

    private func wait(for interest: EventLoop.Interest) {
        guard let listening else { return }
        // Where the kernel has no memory for that, we are only woken too often, or too seldom.
        try? loop.change(listening, to: interest)
    }

    /// Where it cannot be watched, the name is looked for before each attempt.
    private func watchName() {
        guard kind.isWatched else { return }
        watch = try? DirectoryWatch(directory, on: loop) { [unowned self] name in
            if name == baseName || name.isEmpty { makeSureOfName() }
            somethingGone()
        }
    }
}

extension Door.Kind {
    /// Who the job is, where that is not who we are and the door is for it.
    fileprivate var job: UserIdentity? {
        if case .first(let job) = self { job } else { nil }
    }

    fileprivate var isWatched: Bool {
        if case .first = self { true } else { false }
    }
}

/// Applies the rules for all connections of the sockets.
final class Crowd {
    private var rules: SocketCrowd
    /// Whether more is ordered than the disk can do.
    var isFlooded: () -> Bool = { false }
    /// Called when a connection is not read from because of that.
    var waitsForDisk: () -> Void = {}
    /// Called when a line is refused because there are too many unfinished ones.
    var refuse: (Connection) -> Void = { $0.close() }

    init(_ rules: SocketCrowd) { self.rules = rules }

    /// Asks the rules something, or tells them.
    func apply<Result>(_ rule: (inout SocketCrowd) -> Result) -> Result { rule(&rules) }
}
