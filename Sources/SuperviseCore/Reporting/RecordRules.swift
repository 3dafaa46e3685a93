import SuperviseFormats

/// How far the newest run record is, for an end that does not wait for the disk.
package struct RecordPublication: Equatable, Sendable {
    private enum State {
        /// The record on the disk is the old one.
        case open
        /// The new one has its name, or gets it now; it is not known to be durable.
        case visible
        /// One that says how the run has ended is durable.
        case final
        /// None is published any more.
        case closed
    }

    private var state = State.open

    package init() {}

    /// A record is about to get its name.
    ///
    /// - Returns: whether it may.
    package mutating func publish() -> Bool {
        guard state != .closed else { return false }
        state = .visible
        return true
    }

    /// The record that got its name last is durable.
    ///
    /// - Returns: what is reported of it.
    package mutating func isDurable(_ record: RunRecord) -> Event {
        let isLast = record.outcome != nil
        if state == .visible { state = isLast ? .final : .open }
        return isLast ? .lastRecorded : .recorded
    }

    /// None is published from now on, also one that is being written.
    ///
    /// - Returns: what came of the last one.
    package mutating func giveUp() -> Event {
        if state == .final { return .lastRecorded }
        defer { state = .closed }
        return .recordGivenUp(isVisible: state == .visible)
    }
}

/// Which durable records are reported although nobody waits for them.
package struct RecordNews: Equatable, Sendable {
    /// The last record could not be written.
    private var hasFailed = false
    /// The highest number of an attempt that a durable record reserves.
    private var reserved = 0

    package init() {}

    /// - Parameter result: what came of the record.
    /// - Returns: whether it is the first after a failure, or the first that reserves its numbers.
    package mutating func isNews(_ result: Event, of record: RunRecord) -> Bool {
        switch result {
        case .recorded, .lastRecorded:
            let (former, failed) = (reserved, hasFailed)
            reserved = max(reserved, record.attemptsReserved ?? 0)
            hasFailed = false
            return failed || reserved > former
        default:
            hasFailed = true
            return false
        }
    }
}

/// The events that wait to be written: a bounded number, however slow the disk is.
package struct WaitingEvents: Sendable {
    /// Those that come while so many wait are only counted.
    package static let most = 1000

    package private(set) var events: [LoggedEvent] = []
    /// How many were only counted.
    package private(set) var left = 0

    package init() {}

    package mutating func append(_ event: LoggedEvent) {
        if events.count < Self.most { events.append(event) } else { left += 1 }
    }
}
