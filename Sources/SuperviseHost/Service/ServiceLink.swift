import SuperviseCore
import SuperviseFormats
import SuperviseSystem

/// Tells our service manager what the core wants it to know (sd_notify(3)).
///
/// What it does not take at once waits, the newest of each kind, until it does: nobody is held up by
/// it. One that cannot be reached changes nothing else.
final class ServiceLink {
    private let address: String
    private let loop: EventLoop
    /// Gets a sentence, once, when the manager cannot be reached.
    private let complain: (String) -> Void
    private var hasComplained = false
    private var socket: ServiceSocket?
    private var room: EventLoop.Registration?
    private var waiting: [Assignment] = []

    private struct Assignment {
        let name: String
        let value: String
    }

    init(_ address: String, on loop: EventLoop, _ complain: @escaping (String) -> Void) {
        self.address = address
        self.loop = loop
        self.complain = complain
    }

    func tell(_ notice: ServiceNotice) {
        switch notice {
        case .ready: say("READY", "1")
        case .alive: say("WATCHDOG", "1")
        case .stopping: say("STOPPING", "1")
        case .extend(let time):
            say("EXTEND_TIMEOUT_USEC", String(Int64((time.seconds * 1_000_000).rounded(.up))))
        }
    }

    func tell(_ status: Status) {
        say("STATUS", StatusLine.ofService(status))
    }

    private func say(_ name: String, _ value: String) {
        waiting.removeAll { $0.name == name }
        waiting.append(Assignment(name: name, value: value))
        if room == nil { send() }
    }

    private func send() {
        // It may have been started anew meanwhile, so a second attempt is worth it.
        for isLast in [false, true] {
            do throws(SystemError) {
                let socket = try connected()
                guard try socket.send(Self.text(waiting)) else { return try waitForRoom(socket) }
                waiting = []
                return
            } catch {
                stopWaiting()
                socket = nil
                if isLast { tell(of: error) }
            }
        }
    }

    private func connected() throws(SystemError) -> ServiceSocket {
        if let socket { return socket }
        let new = try ServiceSocket(address: address)
        socket = new
        return new
    }

    private static func text(_ assignments: [Assignment]) -> String {
        assignments.map { "\($0.name)=\($0.value)" }.joined(separator: "\n")
    }

    private func waitForRoom(_ socket: ServiceSocket) throws(SystemError) {
        room = try loop.watch(socket.descriptor, for: .write) { [unowned self] _ in
            stopWaiting()
            send()
        }
    }

    private func stopWaiting() {
        if let room { loop.cancel(room) }
        room = nil
    }

    private func tell(of error: SystemError) {
        guard !hasComplained else { return }
        hasComplained = true
        complain("the service manager cannot be told anything: \(error); the job goes on")
    }
}

/// Where our service manager listens, and what it expects, as it has told us by our environment.
struct ServicePlace: Equatable {
    /// Of its socket, as NOTIFY_SOCKET has it.
    let address: String
    let manager: ServiceManager

    /// - Returns: nil where nobody wants to hear from us.
    static func find(
        in environment: [(String, String)], process: Int32 = processId()
    ) -> ServicePlace? {
        func value(_ name: String) -> String? { environment.last { $0.0 == name }?.1 }
        guard let address = value("NOTIFY_SOCKET"), !address.isEmpty else { return nil }
        // Another process may be meant: then we have only inherited it.
        let isOurs = value("WATCHDOG_PID").map { Int32($0) == process } ?? true
        let limit = value("WATCHDOG_USEC").flatMap { Int64($0) } ?? 0
        let watchdog = isOurs && limit > 0 ? Duration.microseconds(limit) : nil
        return ServicePlace(address: address, manager: ServiceManager(watchdog: watchdog))
    }
}
