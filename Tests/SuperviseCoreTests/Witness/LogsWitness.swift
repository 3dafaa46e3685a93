import SuperviseCore
import SuperviseFormats

/// A full disk takes old output and old events before anything else, one order at a time.
struct LogsWitness {
    private var isOrdered = false
    /// They were asked. What waits for an archive to go may wait longer than the save that asked, so nothing
    /// resets this.
    private var wasAsked = false

    mutating func judge(_ step: Step) throws(Violation) {
        switch step.event {
        case .logsRemoved:
            isOrdered = false
            wasAsked = true
        default: break
        }
        for action in step.actions {
            switch action {
            case .removeLogs:
                if isOrdered { throw Violation("logs", "two orders at once") }
                isOrdered = true
                wasAsked = true
            case .log(.warning(let warning)):
                let takesMore = warning.message.hasPrefix("the disk is full: removing")
                if takesMore, !wasAsked {
                    throw Violation("logs", "more goes before them: \(warning.message)")
                }
            default: break
            }
        }
    }
}
