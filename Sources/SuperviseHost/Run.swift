import SuperviseCore
import SuperviseFormats
import SuperviseSystem
import SuperviseText

/// `supervise run`: keeps the job alive until it has completed, failed for good, or is stopped.
package func run(_ request: RunRequest) -> RunResult {
    let console = Console(request)
    tellOfEarlyEnd(console.line)
    holdBackRequests(request)
    raiseLimitOfOpenFiles()
    ignoreBrokenPipes()
    ignoreBackgroundStops()
    ignoreFileSizeLimit()
    for note in request.notes { console.say(note, .quiet) }
    let given = InheritedDescriptors.Sockets(environmentVariable)
    let inherited = InheritedDescriptors(given, passesSockets: request.passesSockets)
    if request.passesSockets, given == nil {
        console.say(
            "\(OptionName.passListen): no service manager has given us sockets (LISTEN_FDS), so "
                + "the job "
                + "gets none",
            .normal)
    }
    if let line = UserManager(in: environmentVariables())?.line(request.settings) {
        console.say(line, .quiet)
    }
    let adjusted = keepingOwnRights(request, console)
    do throws(StartError) {
        let starter = Starter(request: adjusted, console: console, inherited: inherited)
        switch try starter.start() {
        case .alreadyCompleted:
            let sentence =
                "this run has completed; to run it again from the beginning: "
                + "\(OptionName.fresh)"
            console.say(sentence, .normal)
            tellServiceManager("READY=1\nSTATUS=\(sentence)")
            return .exit(0)
        case .ended(let signal):
            return .die(signal: signal)
        case .session(let session):
            return try supervise(session)
        }
    } catch {
        console.say("\(error)", .quiet)
        tellServiceManager("STATUS=\(HumanText.printable("\(error)"))")
        return .exit(RunResult.couldNot)
    }
}

/// Sets what is said at a stop before the job is started.
///
/// - Parameter line: makes the whole line of a sentence.
package func tellOfEarlyEnd(_ line: (String) -> String = { "supervise: \($0)\n" }) {
    EarlyEnd.say { line("stopped by \($0) before the job was started") }
}

/// Keeps signals that ask for something until the loop takes them: by default they would end us, or as
/// PID 1 be lost.
private func holdBackRequests(_ request: RunRequest) {
    let asking = [request.checkpointSignal, request.preemptSignal].compactMap(\.self)
    _ = SignalHold(SignalSet(asking.filter { !EarlyEnd.takes($0) }))
}

/// A umask that takes the owner's rights away, such as 0277, is the job's: we could not write into the
/// directories that we make.
private func keepingOwnRights(_ request: RunRequest, _ console: Console) -> RunRequest {
    guard let mask = giveOwnerItsRights() else { return request }
    var request = request
    let given = "0" + String(mask, radix: 8)
    request.job.process.mask = request.job.process.mask ?? mask
    console.say(
        "the umask \(given) takes from the owner of new files its own rights; supervise works "
            + "without "
            + "that, and the job keeps it", .normal)
    return request
}

/// What there is to say without a loop; whoever does not take it at once misses it.
func tellServiceManager(_ text: String) {
    guard let place = ServicePlace.find(in: environmentVariables()) else { return }
    _ = try? ServiceSocket(address: place.address).send(text)
}

private func supervise(_ session: Session) throws(StartError) -> RunResult {
    defer {
        SocketPath.remove(session.socket)
        // On the disk of the state, which may hang.
        if let second = session.secondSocket {
            _ = try? BoundedWork.perform("sockets", within: SocketBounds.removal) {
                SocketPath.remove(second)
            }
        }
    }
    let ending = try describing(.work) { () throws(SystemError) in
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

/// How the process of `supervise run` is to end.
package enum RunResult: Equatable, Sendable {
    /// With this exit status.
    case exit(Int32)
    /// By this signal; as PID 1, with 128 and its number.
    case die(signal: Int32)
}
