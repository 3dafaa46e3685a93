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
    /// Who the job is, where that is not who we are.
    private let job: UserIdentity?
    private let tell: (String) -> Void
    private var listener: UnixListener?
    private var listening: EventLoop.Registration?
    private var watch: DirectoryWatch?
    private var isResting = false
    /// Called when somebody waits.
    var knocked: () -> Void = {}
    /// Called when something in the socket's directory was removed, or all of it.
    var somethingGone: () -> Void = {}

    /// - Parameter tell: gets a sentence when the name was removed by somebody.
    /// - Throws: what binding the socket can throw.
    init(
        path: String, job: UserIdentity?, on loop: EventLoop, tell: @escaping (String) -> Void
    ) throws(SystemError) {
        self.path = path
        self.job = job
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

    /// Removes the name; nobody comes any more.
    func close() {
        watch = nil
        stopListening()
        listener?.removeName()
        listener = nil
    }

    func makeSureOfName() {
        guard listener != nil, !pathExists(path) else { return }
        do throws(SystemError) {
            for directory in [parent(of: directory), directory] where !pathExists(directory) {
                _ = try makePrivateDirectory(directory, openTo: job?.group)
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
        let listener = try UnixListener(path: path)
        if let job { try Belongings.giveSocket(path, to: job) }
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
        watch = try? DirectoryWatch(directory, on: loop) { [unowned self] name in
            if name == baseName || name.isEmpty { makeSureOfName() }
            somethingGone()
        }
    }
}
