import Glibc
import SuperviseSystem
import TestSupport

/// Sends without end over many connections of the job, and reads nothing: `flood 900 status`. Ignores
/// SIGTERM. Says `flooding` when each connection has had its first part.
func floodScene(_ arguments: [String]) throws {
    guard arguments.count == 2, let count = Int(arguments[0]),
        let path = environmentVariable("SUPERVISE_SOCKET")
    else { return say("failed: flood COUNT KIND, in a job") }
    signal(SIGTERM, SIG_IGN)
    raiseLimitOfOpenFiles()
    if arguments[1] == "storm" { return storm(path) }
    let flood = Flood(path: path, content: content(of: arguments[1]))
    for _ in 0..<count { flood.add() }
    flood.pourOnce()
    say("flooding")
    flood.pour()
}

private var hello: String {
    let token = environmentVariable("SUPERVISE_TOKEN") ?? ""
    return "{\"type\":\"hello\",\"protocol\":1,\"token\":\"\(token)\",\"accepts\":[]}\n"
}

private func content(of kind: String) -> String {
    let line =
        switch kind {
        case "heartbeat": #"{"type":"heartbeat"}"#
        case "begin": #"{"type":"begin"}"#
        case "nonsense": "nonsense"
        case "checkpoint": #"{"type":"control","command":"checkpoint"}"#
        case "commit": #"{"type":"commit","id":"000077"}"#
        default: #"{"type":"control","command":"\#(kind)"}"#
        }
    switch kind {
    // One that never ends, and one that is a byte short of too long.
    case "endless": return String(repeating: "x", count: 1 << 16)
    case "half": return String(repeating: "x", count: 1 << 20)
    default: return String(repeating: line + "\n", count: (1 << 16) / (line.utf8.count + 1))
    }
}

/// Comes and goes as fast as it can.
private func storm(_ path: String) {
    say("flooding")
    let line = Array(hello.utf8)
    while true {
        guard let peer = try? Peer(path: path) else { continue }
        try? peer.send(line)
    }
}

private final class Flood {
    private let path: String
    private let content: [UInt8]
    private var peers: [(peer: Peer, sent: Int)] = []

    init(path: String, content: String) {
        self.path = path
        self.content = Array(content.utf8)
    }

    func add() {
        peers.append((connect(), 0))
    }

    private func connect() -> Peer {
        while true {
            guard let peer = try? Peer(path: path) else { continue }
            if (try? peer.send(hello.utf8)) != nil { return peer }
        }
    }

    /// As much as is taken now.
    func pourOnce() {
        for index in peers.indices { pour(index) }
    }

    func pour() {
        while true {
            var entries = peers.map {
                pollfd(fd: $0.peer.descriptor, events: Int16(POLLOUT), revents: 0)
            }
            guard poll(&entries, nfds_t(entries.count), -1) > 0 else { continue }
            for (index, entry) in entries.enumerated() where entry.revents != 0 { pour(index) }
        }
    }

    /// One that is shown out comes again.
    private func pour(_ index: Int) {
        let (peer, start) = peers[index]
        let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
        let count = content.withUnsafeBytes { bytes in
            send(peer.descriptor, bytes.baseAddress.map { $0 + start }, bytes.count - start, flags)
        }
        if count > 0 {
            peers[index].sent = (start + count) % content.count
        } else if errno != EAGAIN {
            peers[index] = (connect(), 0)
        }
    }
}
