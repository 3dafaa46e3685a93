import SuperviseCore
import SuperviseSystem

/// What each signal means to this supervisor.
struct SignalPlan: Sendable {
    static let childEnded: Int32 = 17

    /// All that are delivered to us.
    let taken: SignalSet
    private let checkpoint: Int32?
    private let preempt: Int32?

    /// To be made before anything changes dispositions: a SIGHUP that was ignored when we started
    /// (nohup) stays ignored, and so does a SIGTSTP.
    init(checkpoint: Int32?, preempt: Int32? = nil) {
        self.checkpoint = checkpoint
        self.preempt = preempt
        var signals = SignalSet.catchable
        if signalIsIgnored(Self.hangUp) { signals.remove(Self.hangUp) }
        for number in Self.background { signals.remove(number) }
        if signalIsIgnored(Self.terminalStop) { signals.remove(Self.terminalStop) }
        // Nothing stops a PID 1, and so its job does not stop with it.
        if isPid1 { signals.remove(Self.terminalStop) }
        taken = signals
    }

    static let terminalStop: Int32 = 20
    static let goOn: Int32 = 18
    static let windowChanged: Int32 = 28
    /// SIGTTIN and SIGTTOU, which we ignore.
    private static let background: [Int32] = [21, 22]
    private static let hangUp: Int32 = 1
    private static let interrupt: Int32 = 2
    private static let terminate: Int32 = 15

    func meaning(of number: Int32) -> Event.Signal {
        let name = signalName(number)
        if number == checkpoint { return .checkpoint(name: name) }
        if number == preempt { return .preempt(name: name) }
        return switch number {
        case Self.interrupt, Self.terminate: .stop(number: number, name: name)
        case Self.hangUp: .hangUp(number: number, name: name)
        default: .other(number: number)
        }
    }
}

extension SignalPlan {
    /// Those that end a start before anything has begun.
    static var ends: SignalSet {
        SignalSet([interrupt, terminate] + (signalIsIgnored(hangUp) ? [] : [hangUp]))
    }
}
