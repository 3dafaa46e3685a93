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

/// Something that is asked of somebody outside; a number is never used twice.
package struct InquiryID: Hashable, Sendable {
    package let number: Int

    package init(_ number: Int) { self.number = number }
}

/// What is asked whether the machine is taken away.
package enum Inquiry: Equatable, Sendable {
    /// Some requests, one after the other; each is answered by itself.
    case requests(HTTPRequests)
    /// A program; each line that it writes is an answer.
    case program([String])

    /// As it comes of the answer to one request, or the line of a program.
    package struct Answer: Equatable, Sendable {
        /// The status of HTTP; 0 where none came, or it is a line.
        package var status = 0
        /// By their names in lower case.
        package var headers: [String: String] = [:]
        package var body = ""
        /// What kept the answer from coming, or from coming whole.
        package var error: String?

        package init(
            status: Int = 0, headers: [String: String] = [:], body: String = "",
            error: String? = nil
        ) {
            self.status = status
            self.headers = headers
            self.body = body
            self.error = error
        }

        /// When it was sent, by the clock of whoever sent it.
        var date: Timestamp? { headers["date"].flatMap { HTTPDate.parse($0) } }
    }

    /// How it ended, after its last answer.
    package enum End: Equatable, Sendable {
        case exited(status: Int)
        /// It could not be asked, was ended, or answered without end; a sentence.
        case failed(String)
        /// The program that asks is too old to ask several times.
        case tooOld
    }
}

/// Requests of HTTP that go to one server, over one connection where it keeps that.
package struct HTTPRequests: Equatable, Sendable {
    package var method: String
    package var urls: [String]
    /// Each `Name: value`, the same for all.
    package var headers: [String]
    package var body: String?
    /// From the beginning of one to that of the next, at least; nil for no wait.
    package var spacing: Duration?
    /// For each of them.
    package var limit: Duration

    package init(
        method: String = "GET", urls: [String], headers: [String] = [], body: String? = nil,
        spacing: Duration? = nil, limit: Duration
    ) {
        self.method = method
        self.urls = urls
        self.headers = headers
        self.body = body
        self.spacing = spacing
        self.limit = limit
    }
}

/// Any program: each line of JSON that it writes takes the place of the one before, and `gone`
/// withdraws it. The same line again is the same notice. One that ends with status 0 is run again.
struct ProgramNotices: NoticeDialect {
    let name: String
    let interval = Duration.seconds(5)
    private let command: [String]

    /// What may be told ahead is up to the program.
    private static let most = Duration.seconds(86_400)
    /// As a line, or as its action: no end is planned any more.
    private static let gone = "gone"

    init(_ command: [String]) {
        self.command = command
        name = "exec:" + (command.first ?? "")
    }

    mutating func inquiry(paced: Bool) -> Inquiry { .program(command) }

    mutating func read(_ answer: Inquiry.Answer, at now: Timestamp) -> NoticeReading {
        let line = answer.body.trimmed
        guard !line.isEmpty else { return .aside([]) }
        if line == Self.gone { return .nothing }
        guard let told = try? JSONText.decode(NoticeLine.self, from: Array(line.utf8)) else {
            return .ignored("it wrote something else than a notice: \(line.bounded(to: 60))")
        }
        let word = told.action ?? Notice.Action.terminate.rawValue
        if word == Self.gone { return .nothing }
        guard let action = Notice.Action(rawValue: word) else {
            return .ignored("\"\(word.bounded)\" is no action")
        }
        let notice = Notice(action: action, identity: line.bounded)
        let due = told.deadline.map { notice.due(inSeconds: $0, most: Self.most) }
        // What only asks for a checkpoint says nothing about an end.
        return action.endsRun ? .notices([due ?? notice]) : .aside([due ?? notice])
    }

    func ended(status: Int, answers: Int) -> NoticeReading {
        status == 0 ? .aside([]) : .failure("it ended with status \(status)")
    }
}
