import SuperviseFormats

/// How one kind of source is asked and understood: a value, without clock or network.
protocol NoticeDialect: Sendable {
    /// Of the source, as people know it, such as `aws`.
    var name: String { get }
    /// From the beginning of an inquiry to that of the next, at least.
    var interval: Duration { get }

    /// What to ask next.
    ///
    /// - Parameter paced: whether one inquiry may ask several times, with a wait between.
    mutating func inquiry(paced: Bool) -> Inquiry
    mutating func read(_ answer: Inquiry.Answer, at now: Timestamp) -> NoticeReading
    /// It has ended by itself, with this status and after so many answers.
    func ended(status: Int, answers: Int) -> NoticeReading
    /// What tells the source that nothing more is to be waited for, after this notice.
    func acknowledgement(of notice: Notice) -> Inquiry?
    /// How it answers otherwise than it should, while it answers; a sentence.
    var remark: String? { get }
}

extension NoticeDialect {
    var remark: String? { nil }

    func acknowledgement(of notice: Notice) -> Inquiry? { nil }

    func ended(status: Int, answers: Int) -> NoticeReading {
        if status != 0 { return .failure("curl ended with status \(status)") }
        return answers > 0 ? .aside([]) : .failure("it gave no answer")
    }
}

/// What an answer means.
enum NoticeReading: Equatable, Sendable {
    /// No end is planned: what this source has told of one is withdrawn.
    case nothing
    /// All that is planned: it takes the place of what this source has told before.
    case notices([Notice])
    /// An answer that says nothing about an end: what was told of one stands.
    case aside([Notice])
    /// All is well, and something else is to be asked at once.
    case askAgain
    /// It makes no sense, and is passed over; a sentence.
    case ignored(String)
    /// The source does not work; a sentence.
    case failure(String)
}

extension NoticeReading {
    /// Of an answer that is none.
    static func failure(_ answer: Inquiry.Answer) -> NoticeReading {
        if let error = answer.error { return .failure(error.bounded) }
        return .failure("it answered with status \(answer.status)")
    }

    static func garbage(_ body: String) -> NoticeReading {
        .failure("it answered with something else than a notice: \(body.bounded(to: 60))")
    }
}
