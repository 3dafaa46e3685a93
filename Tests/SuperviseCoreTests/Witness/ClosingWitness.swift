import SuperviseCore
import SuperviseFormats

/// The exit status says what is durable: 0 only after the record on the disk says completed. And
/// every end is bounded, whatever the disk and the readers do.
struct ClosingWitness {
    private struct Begun {
        var at: Int64
        let ending: Action.Ending
        /// Somebody has asked for an end since.
        var hurriedAt: Int64?
        /// Readers of a pipe have all that the job wrote.
        var isRead = false
    }

    private var begun: Begun?
    private static let second: Int64 = 1_000_000_000

    var isClosing: Bool { begun != nil }

    mutating func judge(_ step: Step, _ after: Ledger, _ world: World) throws(Violation) {
        if let ending = step.exit {
            begun = Begun(at: step.now, ending: ending)
        } else if begun != nil {
            try judgeActions(step)
            if [.readersServed, .outputFlushed].contains(step.event) { begun?.isRead = true }
            if Self.hurries(step.event), begun?.hurriedAt == nil { begun?.hurriedAt = step.now }
        }
        if let begun, let leaves = step.leaves { try judge(leaves, begun, step, after, world) }
    }

    private static func hurries(_ event: Event) -> Bool {
        switch event {
        case .signal(.stop), .signal(.hangUp): true
        case .received(.control(let control), _, _): control.command == "stop"
        default: false
        }
    }

    private func judgeActions(_ step: Step) throws(Violation) {
        for action in step.actions {
            switch action {
            case .record, .giveUpRecord, .flushFiles, .flushOutput, .measureOutput, .leaveOutput,
                .acknowledge, .exit, .log, .tell, .publish, .notify, .send, .close, .setTimer,
                .cancelTimer, .savePins, .tryAgain, .widenReaders, .tellDiscards, .remove,
                .awaitRelease, .cancelCompression:
                break
            default: throw Violation("end", "after its end was decided there is \(action)")
            }
        }
    }

    private func judge(
        _ leaves: Action.Ending, _ begun: Begun, _ step: Step, _ after: Ledger, _ world: World
    ) throws(Violation) {
        let recorded = world.disk.record?.outcome?.kind
        let isPatient = begun.ending == .completed || Self.isFailure(begun.ending)
        if isPatient, leaves == begun.ending, !begun.isRead, begun.hurriedAt == nil,
            after.notice == nil
        {
            throw Violation("end", "it leaves before a reader has all, and nobody asked")
        }
        switch leaves {
        case .completed where recorded != .completed:
            throw Violation("end", "status 0, and the disk says \(recorded as Any)")
        case .failed where recorded != .failed:
            throw Violation("end", "failed for good, and the disk says \(recorded as Any)")
        case .refused where isPatient:
            let waited = step.now - begun.at
            if waited < step.settings.recordTimeout.wholeNanoseconds {
                throw Violation("end", "the disk is given up after \(waited) ns")
            }
            try judgeUnrecorded(begun, world)
        case .stopped where isPatient:
            if begun.hurriedAt == nil { throw Violation("end", "stopped, and nobody asked") }
            try judgeUnrecorded(begun, world)
        case .preempted where isPatient:
            if after.notice == nil { throw Violation("end", "preempted, and nobody said so") }
            try judgeUnrecorded(begun, world)
        case .completed, .failed, .refused, .stopped, .preempted:
            if !isPatient, leaves != begun.ending {
                throw Violation("end", "decided was \(begun.ending), and it ends as \(leaves)")
            }
        }
    }

    /// The next start goes on with the run, unless its record had got its name already.
    private func judgeUnrecorded(_ begun: Begun, _ world: World) throws(Violation) {
        if world.disk.record?.outcome != nil, !world.disk.isVisible {
            throw Violation("end", "given up, and the disk says \(world.disk.record as Any)")
        }
    }

    private static func isFailure(_ ending: Action.Ending) -> Bool {
        if case .failed = ending { true } else { false }
    }

    func look(_ now: Int64, _ settings: Settings) throws(Violation) {
        guard let begun else { return }
        let isPatient = begun.ending == .completed || Self.isFailure(begun.ending)
        var bound = begun.at + Self.second
        if isPatient {
            bound = begun.at + settings.recordTimeout.wholeNanoseconds + 100 * Self.second
        }
        if let hurriedAt = begun.hurriedAt { bound = min(bound, hurriedAt + Self.second) }
        if now > bound { throw Violation("end", "decided at \(begun.at), and still there") }
    }

    mutating func stoodStill(for time: Int64) {
        guard var begun else { return }
        begun.at += time
        begun.hurriedAt = begun.hurriedAt.map { $0 + time }
        self.begun = begun
    }
}
