import SuperviseFormats

/// One source on duty: asks, hears, and asks again, after a while where it fails.
///
///     resting → asking → resting → …
///     any → ended
package struct NoticeSource: Sendable {
    private var dialect: any NoticeDialect
    private(set) var stage = Stage.resting(until: .init(nanoseconds: 0))
    private(set) var failures = 0
    private(set) var error: String?
    private var hasAnswered = false
    /// The program that asks can wait between two requests.
    private var isPaced = true
    private var began = Instant(nanoseconds: 0)
    /// In the inquiry that is under way.
    private var nonsense = 0
    private var answers = 0
    /// How often something else was to be asked at once, since an inquiry has ended by itself.
    private var turns = 0
    /// What was told already, so that it is told once.
    private var told: Told = []
    private var heard: Set<String> = []

    enum Stage: Equatable, Sendable {
        case resting(until: Instant)
        case asking(InquiryID)
        case ended
    }

    private struct Told: OptionSet, Sendable {
        let rawValue: Int
        static let failing = Told(rawValue: 1)
        static let recovered = Told(rawValue: 2)
        static let nonsense = Told(rawValue: 4)
        static let remark = Told(rawValue: 8)
    }

    /// From the first failure to the next attempt, and the longest.
    private static let backoff = Duration.seconds(1)...Duration.seconds(10)
    /// Notices that are told apart; a source with more is lying.
    private static let mostNotices = 1000
    /// A token, and another one in its place; who wants more in a row has to wait.
    private static let mostTurns = 3
    /// What makes no sense is passed over so often in one inquiry.
    private static let mostNonsense = 100

    /// What is to be done after something was heard.
    struct Outcome {
        /// All the ends that it tells of now; nil where what it has told stands.
        var ends: [Notice]?
        /// What asks for a checkpoint, heard for the first time.
        var advice: [Notice] = []
        /// For people; a sentence.
        var warning: String?
        /// The same, of how it answers.
        var remark: String?
        /// The inquiry that is under way is of no more use.
        var endsInquiry: InquiryID?
    }

    init(_ dialect: any NoticeDialect) { self.dialect = dialect }

    var name: String { dialect.name }

    func acknowledgement(of notice: Notice) -> Inquiry? { dialect.acknowledgement(of: notice) }

    /// - Returns: what is to be asked, where it is time.
    mutating func next(_ id: InquiryID, at now: Instant) -> Inquiry? {
        guard case .resting(let until) = stage, until <= now else { return nil }
        stage = .asking(id)
        began = now
        nonsense = 0
        answers = 0
        return dialect.inquiry(paced: isPaced)
    }

    mutating func heard(_ answer: Inquiry.Answer, at now: Moment) -> Outcome {
        guard case .asking(let id) = stage else { return Outcome() }
        answers += 1
        switch dialect.read(answer, at: now.wall) {
        case .nothing: return works([], areAll: true)
        case .notices(let notices): return works(notices, areAll: !notices.isDoubtful)
        case .aside(let notices): return works(notices, areAll: false)
        case .ignored(let message):
            error = message
            nonsense += 1
            guard nonsense > Self.mostNonsense else {
                return Outcome(warning: tell(.nonsense, message))
            }
            var outcome = failed("it writes nothing but nonsense", at: now.instant)
            outcome.endsInquiry = id
            return outcome
        case .askAgain:
            var outcome = works()
            turns += 1
            let rest = turns > Self.mostTurns ? Self.backoff.lowerBound : .zero
            stage = .resting(until: now.instant + rest)
            outcome.endsInquiry = id
            return outcome
        case .failure(let message):
            var outcome = failed(message, at: now.instant)
            outcome.endsInquiry = id
            return outcome
        }
    }

    mutating func ended(_ end: Inquiry.End, at now: Instant) -> Outcome {
        guard case .asking = stage else { return Outcome() }
        switch end {
        case .tooOld where !isPaced: return failed("curl knows no --rate", at: now)
        case .tooOld:
            isPaced = false
            stage = .resting(until: now)
            return Outcome()
        case .failed(let message): return failed(message, at: now)
        case .exited(let status):
            if case .failure(let message) = dialect.ended(status: status, answers: answers) {
                return failed(message, at: now)
            }
            turns = 0
            stage = .resting(until: max(now, began + dialect.interval))
            return Outcome()
        }
    }

    /// It is asked nothing more.
    ///
    /// - Returns: the inquiry that is under way.
    mutating func end() -> InquiryID? {
        defer { stage = .ended }
        if case .asking(let id) = stage { return id }
        return nil
    }

    /// - Parameter areAll: whether these are all the ends that it knows of.
    private mutating func works(_ notices: [Notice], areAll isAll: Bool) -> Outcome {
        var outcome = works()
        outcome.ends = isAll ? notices.filter(\.action.endsRun) : nil
        outcome.advice = notices.filter { !$0.action.endsRun && isNew($0) }
        if let remark = dialect.remark { outcome.remark = tell(.remark, remark) }
        return outcome
    }

    private mutating func works() -> Outcome {
        let wasFailing = failures > 0
        failures = 0
        error = nil
        hasAnswered = true
        guard wasFailing, told.contains(.failing) else { return Outcome() }
        return Outcome(warning: tell(.recovered, "it answers again"))
    }

    private mutating func failed(_ message: String, at now: Instant) -> Outcome {
        failures += 1
        error = message
        let wait = Backoff.wait(afterFailures: failures, range: Self.backoff, jitter: 0)
        stage = .resting(until: now + wait)
        let sentence = "\(message); asking again, and the job goes on"
        return Outcome(warning: tell(.failing, sentence))
    }

    private mutating func tell(_ what: Told, _ message: String) -> String? {
        guard told.insert(what).inserted else { return nil }
        return "\(OptionName.preempt) \(name): \(message) (told once)"
    }

    private mutating func isNew(_ notice: Notice) -> Bool {
        guard heard.count < Self.mostNotices else { return false }
        return heard.insert(notice.action.rawValue + notice.identity).inserted
    }

    var status: Status.Source {
        let state: Status.Source.State =
            switch stage {
            case .ended: .ended
            case .asking, .resting:
                failures > 0 ? .failing : hasAnswered ? .watching : .asking
            }
        return Status.Source(name: name, state: state, error: error, failures: failures)
    }
}

extension [Notice] {
    /// It tells of no end but of one that cannot be true, which withdraws nothing.
    fileprivate var isDoubtful: Bool {
        !contains { $0.action.endsRun } && contains { $0.doubt != nil }
    }
}

/// Who is asked whether the machine is taken away, of `--preempt`.
package enum PreemptSource: Equatable, Sendable {
    /// With the address of the metadata service, without a slash at its end.
    case aws(base: String)
    case gcp(base: String)
    case azure(base: String)
    case program(ShellWords)

    /// Whether `curl` asks.
    package var needsCurl: Bool {
        if case .program = self { false } else { true }
    }

    /// - Parameter acknowledges: whether it is told when all is saved, where it wants to be.
    func dialects(acknowledges: Bool) -> [any NoticeDialect] {
        switch self {
        case .aws(let base): [AWSNotices(base: base)]
        case .gcp(let base):
            [
                GCPNotices(base: base, value: .preempted),
                GCPNotices(base: base, value: .maintenance),
            ]
        case .azure(let base): [AzureNotices(base: base, acknowledges: acknowledges)]
        case .program(let words): [ProgramNotices(words.templates)]
        }
    }
}
