import SuperviseSystem

/// What a process of its own is needed for, as the process that runs the tests has other children,
/// threads and signals. Each scene says what it sees, a line each, on standard output.
///
/// - Returns: whether there is a scene of that name.
func playSystemScene(_ arguments: [String]) -> Bool {
    let scenes: [String: ([String]) throws -> Void] = [
        "die-by-signal": dieBySignalScene,
        "signals": signalsScene,
        "spawn-many": spawnManyScene,
        "reap": reapScene,
        "parent-death": parentDeathScene,
        "standard-descriptors": standardDescriptorsScene,
        "few-descriptors": fewDescriptorsScene,
        "environment": { _ in
            for (name, value) in environmentVariables() { say("\(name) -> \(value)") }
        },
        "shout": shoutScene,
        "hold-lock": holdLockScene,
        "hop": hopScene,
        "flood": floodScene,
    ]
    guard let name = arguments.first, let scene = scenes[name] ?? treeScenes[name] else {
        return false
    }
    do {
        try scene(Array(arguments.dropFirst()))
    } catch {
        say("failed: \(error)")
        exitProcess(1)
    }
    return true
}

func say(_ line: String) {
    try? writeStandardOutput(line + "\n")
}

var environmentEntries: [String] {
    environmentVariables().map { "\($0)=\($1)" }
}

func openDescriptors() throws -> Int {
    // The shell's own view of this process, as we have no directory reader here.
    let pipe = try FileDescriptor.pipe()
    let child = try spawn(
        SpawnRequest(
            command: ["sh", "-c", "ls /proc/\(processId())/fd | wc -l"],
            environment: environmentEntries, standardOutput: .descriptor(pipe.write.rawValue)))
    var bytes: [UInt8] = []
    _ = try readAvailable(pipe.read.rawValue, into: &bytes)
    _ = try child.process.waitForEnd(atMost: nil)
    _ = reapOne()
    let text = String(decoding: bytes, as: UTF8.self)
    return Int(text.split(separator: "\n").first ?? "") ?? -1
}

/// Dies by the signal given; says so where it is still there after that.
private func dieBySignalScene(_ arguments: [String]) throws {
    dieBySignal(signalNumber(arguments[0]) ?? 0)
    say("still alive")
}

/// Says each signal that comes, until SIGTERM.
private func signalsScene(_ arguments: [String]) throws {
    let loop = try EventLoop()
    let source = try SignalSource(.catchable, on: loop) { signal, pid in
        say("\(signalName(signal)) from \(pid)")
        if signalName(signal) == "SIGTERM" { loop.stop() }
    }
    say("ignored: \(signalIsIgnored(1))")
    try withExtendedLifetime(source) { try loop.run() }
}

/// Says how many descriptors are open before and after a thousand children.
private func spawnManyScene(_ arguments: [String]) throws {
    let before = try openDescriptors()
    for _ in 0..<1000 {
        let child = try spawn(SpawnRequest(command: ["true"], environment: environmentEntries))
        _ = try child.process.waitForEnd(atMost: nil)
        guard reapOne() != nil else { return say("not reaped") }
    }
    say("\(before) \(try openDescriptors())")
}

/// Starts a shell whose orphan outlives it, and says what it reaps until there is nobody.
private func reapScene(_ arguments: [String]) throws {
    try becomeSubreaper()
    let child = try spawn(
        SpawnRequest(
            command: ["sh", "-c", "exec 3<&0; (read line <&3; exit 5) & exit 3"],
            environment: environmentEntries))
    _ = try child.process.waitForEnd(atMost: nil)
    say("child \(reapOne().map { "\($0.status)" } ?? "none")")
    say("none yet: \(reapOne() == nil), any: \(anyChildRemains())")
    // The orphan waits for this line.
    say("go")
    let loop = try EventLoop()
    let source = try SignalSource(SignalSet([17]), on: loop) { _, _ in
        guard let reaped = reapOne() else { return }
        say("orphan \(reaped.status), any: \(anyChildRemains())")
        loop.stop()
    }
    if let reaped = reapOne() {
        return say("orphan \(reaped.status), any: \(anyChildRemains())")
    }
    try withExtendedLifetime(source) { try loop.run() }
}

/// Starts a child that would live long, says its pid and waits to be killed.
private func parentDeathScene(_ arguments: [String]) throws {
    let child = try spawn(
        SpawnRequest(command: ["sleep", "1000"], environment: environmentEntries))
    while child.readExecResult() == .pending {}
    say("\(child.pid)")
    try EventLoop().run()
}

/// Says which of the three standard descriptors are open, before and after opening them.
private func standardDescriptorsScene(_ arguments: [String]) throws {
    ensureStandardDescriptors()
    let pipe = try FileDescriptor.pipe()
    exitProcess(pipe.read.rawValue > 2 ? 7 : 8)
}

/// Listens with hardly any descriptor left, and says what became of the connections once told to accept.
private func fewDescriptorsScene(_ arguments: [String]) throws {
    let listener = try UnixListener(path: arguments[0])
    say("listening")
    // Uses up what there is, but for a few.
    var spare: [Held] = []
    while let more = try? Held() { spare.append(more) }
    spare.removeLast(3)
    var line: [UInt8] = []
    _ = try readAvailable(0, into: &line)
    var served: [UnixConnection] = []
    var turnedAway = 0
    while true {
        do {
            guard let connection = try listener.accept() else { break }
            served.append(connection)
        } catch {
            turnedAway += 1
        }
    }
    say("\(served.count) served, \(turnedAway) turned away, and nobody waits")
}

/// Keeps a descriptor open.
private final class Held {
    private let descriptor: FileDescriptor

    init() throws {
        let pipe = try FileDescriptor.pipe()
        descriptor = pipe.read
    }
}

/// Writes more to standard error than a pipe holds.
private func shoutScene(_ arguments: [String]) throws {
    for _ in 0..<300 { writeStandardError(String(repeating: "x", count: 999) + "\n") }
}

/// Holds a lock until its standard input ends.
private func holdLockScene(_ arguments: [String]) throws {
    guard case .taken(let lock) = try FileLock.take(arguments[0]) else { return say("not taken") }
    say("held")
    var nothing: [UInt8] = []
    while try readAvailable(0, into: &nothing) != .end {}
    withExtendedLifetime(lock) {}
}
