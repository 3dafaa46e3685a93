import Glibc
import SuperviseSystem
import TestSupport

/// A job that does what the lines on its standard input say, and says on standard output what
/// happens to it, so that a test decides what comes after what:
///
///     ready 2 4711            attempt and pid
///     signal SIGTERM          it got that one; nothing but SIGKILL ends it by itself
///     1< {"type":"welcome"…   from the first connection
///     1 closed                by the other side
///
/// At the end of its input it exits with status 0.
final class Puppet {
    private let loop: EventLoop
    private var signals: SignalSource?
    private var input: [UInt8] = []
    private var inputWatch: EventLoop.Registration?
    private var peers: [String: (peer: Peer, watch: EventLoop.Registration)] = [:]

    init() throws {
        loop = try EventLoop()
        // In the order in which they came, between the messages.
        signals = try SignalSource(.catchable, on: loop, rank: .normal) { number, _ in
            if number == SIGCHLD {
                while waitpid(-1, nil, WNOHANG) > 0 {}
            } else {
                say("signal \(signalName(number))")
            }
        }
        inputWatch = try loop.watch(0, for: .read) { [unowned self] _ in readInput() }
        say("ready \(environmentVariable("SUPERVISE_ATTEMPT") ?? "-") \(processId())")
    }

    func run() throws { try loop.run() }

    /// Byte by byte: what is not taken is there for the next attempt.
    private func readInput() {
        var byte: UInt8 = 0
        guard read(0, &byte, 1) == 1 else { exitProcess(0) }
        if byte != UInt8(ascii: "\n") { return input.append(byte) }
        let line = String(decoding: input, as: UTF8.self)
        input = []
        do {
            try obey(line)
        } catch {
            say("failed: \(line): \(error)")
        }
    }

    private func obey(_ line: String) throws {
        let words = line.split(separator: " ", maxSplits: 2).map(String.init)
        let first = words.count > 1 ? words[1] : ""
        let second = words.count > 2 ? words[2] : ""
        switch words.first {
        case "connect": try connect(first)
        case "hello": try hello(first, accepts: second)
        case "send": try peers[first]?.peer.send(line: second)
        case "close": hangUp(first)
        case "write": try write(first, second)
        case "run": try startShell(String(line.dropFirst(4)))
        case "environment": tellEnvironment()
        case "exit": exitProcess(Int32(first) ?? 99)
        case "die": dieBySignal(signalNumber(first) ?? 0)
        default: say("failed: \(line): no such order")
        }
    }

    private func connect(_ name: String) throws {
        let peer = try Peer(path: environmentVariable("SUPERVISE_SOCKET") ?? "")
        let watch = try loop.watch(peer.descriptor, for: .read) { [unowned self] _ in
            receive(name)
        }
        peers[name] = (peer, watch)
    }

    private func hello(_ name: String, accepts: String) throws {
        if peers[name] == nil { try connect(name) }
        let token = environmentVariable("SUPERVISE_TOKEN") ?? ""
        let list = accepts.isEmpty ? "" : "\"\(accepts)\""
        let hello = "{\"type\":\"hello\",\"protocol\":1,\"token\":\"\(token)\","
        try peers[name]?.peer.send(line: hello + "\"client\":\"puppet/1\",\"accepts\":[\(list)]}")
    }

    private func receive(_ name: String) {
        guard let peer = peers[name]?.peer else { return }
        let isOpen = (try? peer.readOnce()) ?? false
        while let line = peer.takeLine() { say("\(name)< \(line)") }
        guard !isOpen else { return }
        hangUp(name)
        say("\(name) closed")
    }

    private func hangUp(_ name: String) {
        guard let entry = peers.removeValue(forKey: name) else { return }
        loop.cancel(entry.watch)
    }

    private func write(_ path: String, _ text: String) throws {
        try Disk().writeFile(path, Array(text.utf8))
        say("written \(path)")
    }

    /// In our group and session, with our streams; nobody waits for it.
    private func startShell(_ line: String) throws {
        var pid: pid_t = 0
        let strings: [String] = ["sh", "-c", line]
        var words: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
        defer { for word in words { free(word) } }
        words.append(nil)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let code = posix_spawn(&pid, "/bin/sh", nil, &attributes, words, environ)
        if code != 0 { throw SystemError(call: "posix_spawn", code: code, subject: line) }
    }

    private func tellEnvironment() {
        for (name, value) in environmentVariables() { say("\(name)=\(value)") }
        say("end of environment")
    }
}

func playPuppet() {
    do {
        try Puppet().run()
    } catch {
        writeStandardError("puppet: \(error)\n")
        exitProcess(98)
    }
}

/// Says one line over a socket, and tells all that comes back until the other side closes.
func askOnce(path: String, line: String) {
    do {
        let peer = try Peer(path: path)
        say("connected")
        // One who is turned away may be so before this.
        try? peer.send(line: line)
        while let answer = try peer.readLine() { say(answer) }
        say("closed")
    } catch {
        say("failed: \(error)")
        exitProcess(1)
    }
}
