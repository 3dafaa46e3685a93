import SuperviseCore
import SuperviseFormats
import SuperviseSystem

/// Where the words of a job arrive that speaks sd_notify(3), beside the socket of the protocol.
final class NoticeBox {
    private static let batch = 64

    private let path: String
    /// Users whose words are taken.
    private let friends: SocketUsers
    private let job: UserIdentity?
    private let loop: EventLoop
    private let deliver: ([JobNotice]) -> Void
    private var socket: NoticeSocket?
    private var listening: EventLoop.Registration?

    /// - Parameter job: who the job is, where that is not who we are.
    /// - Throws: what binding the socket can throw.
    init(
        path: String, friends: SocketUsers, job: UserIdentity?, on loop: EventLoop,
        _ deliver: @escaping ([JobNotice]) -> Void
    ) throws(SystemError) {
        self.path = path
        self.friends = friends
        self.job = job
        self.loop = loop
        self.deliver = deliver
        try open()
    }

    /// Makes a name again that somebody has removed. Without it the job is not heard, and no more.
    func makeSureOfName() {
        guard socket != nil, !pathExists(path) else { return }
        try? open()
    }

    /// Takes all that has come, up to a number that a flood does not get past.
    func drain() {
        for _ in 0..<Self.batch {
            // What cannot be read is told again, or is lost: signs of life come again.
            guard let datagram = try? socket?.receive() else { return }
            guard friends.mayConnect(datagram.sender.uid) else { continue }
            let notices = JobNotice.read(datagram.bytes)
            if !notices.isEmpty { deliver(notices) }
        }
    }

    func end() {
        stopListening()
        socket?.removeName()
        socket = nil
    }

    private func open() throws(SystemError) {
        let socket = try NoticeSocket(path: path)
        if let job { try Belongings.giveSocket(path, to: job) }
        stopListening()
        self.socket = socket
        listening = try loop.watch(socket.descriptor, for: .read, rank: .inTurns) {
            [unowned self] _ in drain()
        }
    }

    private func stopListening() {
        if let listening { loop.cancel(listening) }
        listening = nil
    }
}
