import SuperviseFormats

/// The checkpoints that jobs were asked for: at most one request is open, and each is counted once when
/// it has ended.
///
///     open → (committed, failed)        (it was answered)
///     open → (moot, lost)               (the job has ended, or a final request took its place)
///     open → overdue → (late)           (it had its time, and an answer comes after all)
///
/// What belongs to an attempt is forgotten with ``attemptIsOver()``.
package struct RequestBook: Sendable {
    package private(set) var counts = Status.Requests()
    package private(set) var open: OpenRequest?
    /// The attempt was asked for a checkpoint.
    private(set) var wasAsked = false
    /// The job died before it answered the final request of the run.
    private(set) var isFinalLost = false
    /// Requests that had their time; a late answer is still taken.
    private var overdue: [Int: OverdueRequest] = [:]
    private var nextNumber = 1
    /// The signal that asks cannot be sent to this attempt, which was told.
    private var toldNotAsked = false

    /// A request that a message names.
    struct Named {
        /// nil where it names none that is known.
        var number: Int?
        var reason: Manifest.Reason
        var madeAt: Moment?
        var isOpen = false
    }

    mutating func attemptIsOver() {
        open = nil
        overdue = [:]
        wasAsked = false
        toldNotAsked = false
    }

    /// Opens a request; none is open.
    ///
    /// - Parameters:
    ///   - isBySignal: the job is asked by a signal.
    ///   - deadline: of a final one.
    ///   - operators: who waits for it.
    mutating func make(
        _ reason: Manifest.Reason, final: Bool, isBySignal: Bool, deadline: Instant?,
        operators: [Sender], at now: Moment
    ) {
        counts.made += 1
        wasAsked = true
        open = OpenRequest(
            number: nextNumber, reason: reason, final: final, madeAt: now, isBySignal: isBySignal,
            deadline: deadline, operators: operators)
        nextNumber += 1
    }

    /// The open request as it is said now; deadlines count from now.
    func wire(at now: Moment) -> CheckpointRequest? {
        guard let open else { return nil }
        let left = open.deadline.map { max(0, ($0 - now.instant).seconds) }
        return CheckpointRequest(
            request: open.number, reason: open.reason, final: open.final, deadline: left)
    }

    /// Operators wait for the open request.
    mutating func join(_ senders: [Sender]) { open?.operators += senders }

    mutating func forget(_ connection: ConnectionID) {
        open?.operators.removeAll { $0.connection == connection }
    }

    /// What answers the open request is the last checkpoint.
    mutating func becomeFinal(_ reason: Manifest.Reason, by deadline: Instant?) {
        open?.makeFinal(reason, by: deadline)
    }

    /// The open request was made again after room was made for it.
    mutating func isMadeAgain() { open?.isSecond = true }

    /// - Returns: whether the open request has less time now.
    mutating func tighten(to saveBy: Instant) -> Bool {
        guard let deadline = open?.deadline, deadline > saveBy else { return false }
        open?.deadline = saveBy
        return true
    }

    /// Time has passed that counts for nobody.
    mutating func delay(by time: Duration) {
        if let deadline = open?.deadline { open?.deadline = deadline + time }
    }
}

/// Whether a checkpoint grows that answers the open request.
extension RequestBook {
    /// The time of the request has ended, and it is being looked at whether this one has grown.
    mutating func measure(_ id: CheckpointID) { open?.measuring = id }

    /// It was begun in time: from now on what is staged has to grow.
    mutating func isBegun() {
        open?.measured = nil
        open?.measuring = nil
    }

    /// - Returns: whether it has grown since the last time; nil where that was not asked.
    mutating func wasMeasured(_ id: CheckpointID, _ size: Event.StagingSize) -> Bool? {
        guard let open, open.measuring == id else { return nil }
        self.open?.measuring = nil
        let before = open.measured ?? .empty
        guard size.bytes > before.bytes || size.files > before.files else { return false }
        self.open?.measured = size
        return true
    }
}

/// How a request ends.
extension RequestBook {
    /// Closes the open request, if a message names it.
    mutating func close(_ number: Int?, _ orders: inout Orders) -> OpenRequest? {
        guard let open, open.number == number else { return nil }
        self.open = nil
        orders.cancel(.request)
        return open
    }

    mutating func wasCommitted() { counts.committed += 1 }

    mutating func hasFailed() { counts.failed += 1 }

    private mutating func end(
        _ result: RunEvent.RequestEnded.Result, of checkpoint: CheckpointID? = nil,
        at now: Moment, _ orders: inout Orders
    ) {
        guard let open else { return }
        self.open = nil
        orders.cancel(.request)
        orders.log(
            .requestEnded(
                .init(
                    request: open.number, result: result, seconds: open.age(at: now),
                    checkpoint: checkpoint)))
    }

    /// The open request has had its time.
    ///
    /// - Returns: what its operators are told.
    mutating func endUnanswered(at now: Moment, _ orders: inout Orders) -> ProtocolError? {
        guard let open else { return nil }
        counts.unanswered += 1
        overdue[open.number] = OverdueRequest(open, isUnfinished: false)
        end(.unanswered, at: now, &orders)
        let seconds = Int(open.age(at: now).rounded())
        return ProtocolError(.conflict, "the job has not answered the request in \(seconds) s")
    }

    /// The time is over, and the job has done its part.
    ///
    /// - Parameter id: what was received for it.
    mutating func endUnfinished(
        _ id: CheckpointID, at now: Moment, _ orders: inout Orders
    ) {
        guard let open else { return }
        counts.unfinished += 1
        overdue[open.number] = OverdueRequest(open, isUnfinished: true)
        end(.unfinished, of: id, at: now, &orders)
        let seconds = Int(open.age(at: now).rounded())
        orders.refuse(
            open.operators,
            ProtocolError(
                .io,
                "checkpoint \(id) was received, and the disk has not made it durable: the "
                    + "request is \(seconds) s old"))
    }

    private static let jobEnded = ProtocolError(
        .stopping, "the job ended before it answered")

    /// Nobody needs an answer any more.
    mutating func endMoot(at now: Moment, _ orders: inout Orders) {
        guard let open else { return }
        counts.moot += 1
        end(.moot, at: now, &orders)
        orders.refuse(open.operators, Self.jobEnded)
    }

    /// Another request takes its place.
    ///
    /// - Returns: who waits for it, and joins the other one.
    mutating func endForAnother(at now: Moment, _ orders: inout Orders) -> [Sender] {
        guard let operators = open?.operators else { return [] }
        open?.operators = []
        endMoot(at: now, &orders)
        return operators
    }

    /// A final request is lost with the job.
    ///
    /// - Parameter isOfRun: the run ends; after a restart it goes on, and its last line has nothing to
    ///   say of it.
    mutating func endLost(isOfRun: Bool, at now: Moment, _ orders: inout Orders) {
        guard let open else { return }
        counts.lost += 1
        if isOfRun { isFinalLost = true }
        end(.lost, at: now, &orders)
        orders.refuse(open.operators, Self.jobEnded)
    }

    /// A checkpoint is there that the job began after the final request, without naming it.
    mutating func endCommitted(_ saved: CheckpointSummary, _ orders: inout Orders) {
        guard let open else { return }
        counts.committed += 1
        self.open = nil
        orders.cancel(.request)
        let wire = SupervisorMessage.committed(
            .init(id: saved.id, path: saved.path, bytes: saved.bytes, seconds: 0))
        for sender in open.operators { orders.answer(wire, to: sender) }
    }

    /// The job would have ended by the signal, as one does that has not installed its handler yet.
    ///
    /// - Returns: the request.
    mutating func notSent(_ reason: String, _ orders: inout Orders) -> OpenRequest? {
        guard let open, open.isBySignal else { return nil }
        self.open = nil
        orders.cancel(.request)
        counts.failed += 1
        if !toldNotAsked {
            toldNotAsked = true
            orders.log(.checkpointFailed(.init(id: nil, request: open.number, error: reason)))
        }
        orders.refuse(
            open.operators, ProtocolError(.conflict, "no checkpoint was asked for: \(reason)"))
        return open
    }
}

/// What answers which request.
extension RequestBook {
    /// The request that a message names; one that is not known counts as none. A job that was asked by
    /// a signal knows no number.
    ///
    /// - Parameter again: one that failed for lack of space, while room is being made.
    func named(_ number: Int?, again: Shortage.Again?) -> Named {
        let unnamed = open.flatMap { $0.isBySignal ? $0.number : nil }
        guard let number = number ?? unnamed else { return Named(reason: .job) }
        if let open, open.number == number {
            return Named(
                number: number, reason: open.reason, madeAt: open.madeAt, isOpen: true)
        }
        if let overdue = overdue[number] {
            return Named(number: number, reason: overdue.reason, madeAt: overdue.madeAt)
        }
        if let again, again.number == number { return Named(number: number, reason: again.reason) }
        return Named(reason: .job)
    }

    /// The request that a watched file answers: what was complete when it was made is no answer.
    ///
    /// - Parameter isAnswered: something was received that answers the open one.
    func answered(byFileOf completedAt: Instant, isAnswered: Bool) -> Named? {
        if let open, open.isBySignal, !isAnswered, completedAt >= open.madeAt.instant {
            return Named(
                number: open.number, reason: open.reason, madeAt: open.madeAt, isOpen: true)
        }
        guard open == nil,
            let late = overdue.filter({ $0.value.isBySignal && !$0.value.isLate })
                .max(by: { $0.key < $1.key }), completedAt >= late.value.madeAt.instant
        else { return nil }
        return Named(number: late.key, reason: late.value.reason, madeAt: late.value.madeAt)
    }

    /// A request that had its time is answered after all.
    mutating func answerLate(_ number: Int?) {
        guard let number, let late = overdue[number], !late.isLate else { return }
        overdue[number]?.isLate = true
        if late.isUnfinished { counts.unfinished -= 1 } else { counts.unanswered -= 1 }
        counts.late += 1
    }
}

/// A checkpoint that the job was asked for, until it is known how it ended.
package struct OpenRequest: Equatable, Sendable {
    package let number: Int
    package fileprivate(set) var reason: Manifest.Reason
    package fileprivate(set) var final: Bool
    let madeAt: Moment
    /// The job does not know its number: the next file that it completes answers it.
    let isBySignal: Bool
    /// Of a final one; by the clock.
    package fileprivate(set) var deadline: Instant?
    fileprivate(set) var operators: [Sender]
    /// It was made again after room was made for it.
    fileprivate(set) var isSecond = false
    /// How much was staged when its time last ended.
    fileprivate var measured: Event.StagingSize?
    /// Its time has ended, and it is being looked at whether this one has grown.
    fileprivate(set) var measuring: CheckpointID?

    fileprivate init(
        number: Int, reason: Manifest.Reason, final: Bool, madeAt: Moment, isBySignal: Bool,
        deadline: Instant?, operators: [Sender]
    ) {
        self.number = number
        self.reason = reason
        self.final = final
        self.madeAt = madeAt
        self.isBySignal = isBySignal
        self.deadline = deadline
        self.operators = operators
    }

    fileprivate mutating func makeFinal(_ reason: Manifest.Reason, by deadline: Instant?) {
        self.reason = reason
        final = true
        self.deadline = deadline
        measured = nil
        measuring = nil
    }

    /// In seconds of the job's time.
    fileprivate func age(at now: Moment) -> Double { (now.counted - madeAt.counted).seconds }
}

/// A request that had its time.
private struct OverdueRequest: Equatable, Sendable {
    let reason: Manifest.Reason
    let madeAt: Moment
    let isBySignal: Bool
    /// Its checkpoint was received in time, and the disk has not finished it.
    let isUnfinished: Bool
    /// A late answer has come, and is counted.
    var isLate = false

    init(_ request: OpenRequest, isUnfinished: Bool) {
        reason = request.reason
        madeAt = request.madeAt
        // What was received is no file that is still awaited.
        isBySignal = request.isBySignal && !isUnfinished
        self.isUnfinished = isUnfinished
    }
}

extension Event.StagingSize {
    static let empty = Event.StagingSize(bytes: 0, files: 0)
}
