import SuperviseCore
import SuperviseFormats
import SuperviseSystem

/// `supervise run`: keeps the job alive until it has completed, failed for good, or is stopped.
package func run(_ request: RunRequest) -> RunResult {
    raiseLimitOfOpenFiles()
    ignoreBrokenPipes()
    ignoreBackgroundStops()
    ignoreFileSizeLimit()
    let console = Console(request)
    for note in request.notes { console.say(note, .quiet) }
    let given = InheritedDescriptors.Sockets(environmentVariable)
    let inherited = InheritedDescriptors(given, passesSockets: request.passesSockets)
    if request.passesSockets, given == nil {
        console.say(
            "--pass-listen: no service manager has given us sockets (LISTEN_FDS), so the job gets none",
            .normal)
    }
    let adjusted = keepingOwnRights(request, console)
    do throws(HostError) {
        let starter = Starter(request: adjusted, console: console, inherited: inherited)
        switch try starter.start() {
        case .alreadyCompleted:
            let sentence = "this run has completed; to run it again from the beginning: --fresh"
            console.say(sentence, .normal)
            tellServiceManager("READY=1\nSTATUS=\(sentence)")
            return .exit(0)
        case .session(let session):
            return try supervise(session)
        }
    } catch {
        console.say("\(error)", .quiet)
        tellServiceManager("STATUS=\(HumanText.printable("\(error)"))")
        return .exit(RunResult.couldNot)
    }
}

/// A umask that takes the owner's rights away, such as 0277, is the job's: we could not write into the
/// directories that we make.
private func keepingOwnRights(_ request: RunRequest, _ console: Console) -> RunRequest {
    guard let mask = giveOwnerItsRights() else { return request }
    var request = request
    let given = "0" + String(mask, radix: 8)
    request.job.process.mask = request.job.process.mask ?? mask
    console.say(
        "the umask \(given) takes from the owner of new files its own rights; supervise works without "
            + "that, and the job keeps it", .normal)
    return request
}

/// What there is to say without a loop; whoever does not take it at once misses it.
private func tellServiceManager(_ text: String) {
    guard let place = ServicePlace.find(in: environmentVariables()) else { return }
    _ = try? ServiceSocket(address: place.address).send(text)
}

private func supervise(_ session: Session) throws(HostError) -> RunResult {
    defer { SocketPath.remove(session.socket) }
    let ending = try describing("the supervisor cannot work") { () throws(SystemError) in
        try becomeSubreaper()
        let conductor = try ShortageWait(session.console).perform { () throws(SystemError) in
            try Conductor(session, loop: EventLoop())
        }
        return try conductor.run()
    }
    switch ending {
    case .completed: return .exit(0)
    case .failed(let status): return .exit(status)
    case .stopped(let signal): return .die(signal: signal)
    case .preempted: return .exit(session.request.preemptedExitCode)
    case .refused(let message):
        session.console.say(message, .quiet)
        return .exit(RunResult.couldNot)
    }
}

extension RunResult {
    /// The status where `supervise` itself could not do its work.
    package static let couldNot: Int32 = 125
}
