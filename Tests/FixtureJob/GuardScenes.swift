import SuperviseSystem

/// Scenes with whole trees of processes.
let treeScenes: [String: @Sendable ([String]) throws -> Void] = [
    "guarded": guardedScene,
    "guard-again": guardAgainScene,
    "end-leftovers": endLeftoversScene,
    "descendants": descendantsScene,
]

/// Plays a supervisor: lock file, token, the job's command. Says who is who, and then the lines from
/// its input decide: `release` ends it in good order, `reap` takes the ended leader, the end of input leaves it waiting to be killed.
private func guardedScene(_ arguments: [String]) throws {
    guard case .taken(let lock) = try FileLock.take(arguments[0]) else {
        return say("locked")
    }
    let token = arguments[1]
    let watcher = try Guard.start(of: GuardedAttempt(), holding: .init(run: lock.rawDescriptor))
    watcher.attempt.begin(token: token)
    let others = environmentEntries.filter { !$0.hasPrefix("SUPERVISE_TOKEN=") }
    var request = SpawnRequest(
        command: Array(arguments[2...]), environment: others + ["SUPERVISE_TOKEN=\(token)"],
        standardInput: .null)
    request.guarded = watcher.attempt
    let child = try spawn(request)
    say("supervisor \(processId())")
    say("guard \(watcher.pid)")
    var line: [UInt8] = []
    _ = try readAvailable(0, into: &line)
    if line.starts(with: Array("reap".utf8)) {
        _ = try child.process.waitForEnd(atMost: nil)
        say("reaped \(reapOne()?.pid ?? 0)")
        watcher.attempt.leaderIsReaped()
    }
    if line.starts(with: Array("release".utf8)) {
        watcher.release()
        return say("released")
    }
    try withExtendedLifetime((lock, watcher)) { try EventLoop().run() }
}

/// Loses its guard and starts another one, with threads by then.
private func guardAgainScene(_ arguments: [String]) throws {
    let loop = try EventLoop()
    let box = try Mailbox<Int>(on: loop) { _ in loop.stop() }
    WorkerLane(name: "bulk", threads: 2).submit { box.post(1) }
    try loop.run()
    let first = try Guard.start(of: GuardedAttempt(), holding: .init(run: -1))
    try first.process.signal(9)
    _ = try first.process.waitForEnd(atMost: nil)
    say("reaped: \(reapOne()?.pid == first.pid)")
    let second = try Guard.start(of: first.attempt, holding: .init(run: -1))
    second.release()
    say("left: \(anyChildRemains())")
}

/// Says whom it has ended of those with a token, and how many they were.
private func endLeftoversScene(_ arguments: [String]) throws {
    guard case .noneLeft(let found) = ProcessTree.endLeftovers(runToken: arguments[0]) else {
        return say("nobody can tell")
    }
    for process in found { say("\(process.pid) \(process.command)") }
    say("\(found.count) found")
}

/// Ends all that a job has started, but not a helper, as a subreaper between two attempts.
private func descendantsScene(_ arguments: [String]) throws {
    try becomeSubreaper()
    let helper = try spawn(
        SpawnRequest(command: ["sleep", "1000"], environment: environmentEntries))
    say("without a job: \(ProcessTree.hasChildren(except: [helper.pid]))")
    let pipe = try FileDescriptor.pipe()
    let job = try spawn(
        SpawnRequest(
            command: arguments, environment: environmentEntries,
            standardOutput: .descriptor(pipe.write.rawValue)))
    // The job's first line tells that its tree stands.
    var line: [UInt8] = []
    _ = try readAvailable(pipe.read.rawValue, into: &line)
    say("with a job: \(ProcessTree.hasChildren(except: [helper.pid]))")
    var signalled = 0
    var reaped = 0
    while ProcessTree.hasChildren(except: [helper.pid]) {
        signalled += ProcessTree.signalDescendants(9, except: [helper.pid])
        while let child = reapOne() { reaped += child.pid == helper.pid ? 1000 : 1 }
    }
    say("reaped: \(reaped), at least as many signals: \(signalled >= reaped)")
    say("the helper lives: \(try !helper.process.waitForEnd(atMost: .zero))")
    say("the job is gone: \(try !job.process.signal(9))")
}
