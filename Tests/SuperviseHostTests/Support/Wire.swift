import SuperviseCore
import SuperviseSystem
import TestSupport

@testable import SuperviseHost

/// A real socket with a peer at one end and a ``Connection`` at the other.
final class Wire {
    let diary: Diary
    let peer: Peer
    private(set) var connection: Connection?
    private let directory: TemporaryDirectory
    private let listener: UnixListener

    /// - Parameter received: what to do with a line, before it is noted.
    init(_ received: @escaping (Connection, String) -> Void = { _, _ in }) throws {
        let diary = try Diary()
        self.diary = diary
        directory = try TemporaryDirectory()
        listener = try UnixListener(path: "\(directory.path)/s")
        peer = try Peer(path: listener.path)
        guard let accepted = try listener.accept() else { throw TestFailure("nobody came") }
        connection = try Connection(
            accepted, on: diary.loop,
            crowd: Crowd(SocketCrowd(SocketUsers(supervisor: 0, job: nil), descriptors: 100)),
            received: { connection, line in
                let text = String(decoding: line, as: UTF8.self)
                received(connection, text)
                diary.note(text)
            },
            closed: { [unowned self] _ in
                // As an owner does: after this nobody else holds it.
                connection = nil
                diary.note("closed")
            })
    }

    func send(_ line: String) {
        connection?.send(Array((line + "\n").utf8))
    }
}

/// Does something that waits for the other side, beside the test.
///
/// The test must not touch the same things before the loop has noted its effect.
func beside(_ work: @escaping () throws -> Void) {
    nonisolated(unsafe) let work = work
    WorkerLane(name: "beside", threads: 1).submit { try? work() }
}
