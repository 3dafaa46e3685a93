import SuperviseFormats

/// Azure's scheduled events: the machine's own name first, as the events of a whole group are told,
/// and then a question every second.
struct AzureNotices: NoticeDialect {
    let name = "azure"
    /// Without a slash at its end.
    let base: String
    /// Whether an event may begin early, once all is saved.
    let acknowledges: Bool
    private var machine = Machine.unknown
    /// Questions for the name in a row that failed.
    private var failures = 0
    private var hasAnswered = false

    private enum Machine: Equatable, Sendable {
        case unknown
        /// In lower case: Azure compares names without regard to it.
        case named(String)
        /// It cannot be had, and the events are asked for all the same.
        case unnamed
    }

    private static let pace = Duration.seconds(1)
    /// After so many questions for the name in vain the events are asked for.
    private static let patience = 3
    private static let rounds = 300
    private static let header = "Metadata: true"
    /// The first question switches the service on, which may take two minutes.
    private static let firstLimit = Duration.seconds(150)
    private static let limit = Duration.seconds(2)
    /// A redeployment is told a quarter of an hour ahead.
    private static let most = Duration.seconds(3600)

    init(base: String, acknowledges: Bool) {
        self.base = base
        self.acknowledges = acknowledges
    }

    var interval: Duration { hasAnswered ? Self.pace : .zero }

    private var events: String { base + "/metadata/scheduledevents?api-version=2020-07-01" }

    mutating func inquiry(paced: Bool) -> Inquiry {
        if machine == .unknown, failures >= Self.patience { machine = .unnamed }
        guard machine != .unknown else {
            let url = base + "/metadata/instance?api-version=2021-02-01"
            return .requests(
                HTTPRequests(urls: [url], headers: [Self.header], limit: Self.limit))
        }
        guard hasAnswered else {
            return .requests(
                HTTPRequests(urls: [events], headers: [Self.header], limit: Self.firstLimit))
        }
        return .requests(
            HTTPRequests(
                urls: Array(repeating: events, count: paced ? Self.rounds : 1),
                headers: [Self.header], spacing: paced ? Self.pace : nil,
                limit: Self.limit))
    }

    mutating func read(_ answer: Inquiry.Answer, at now: Timestamp) -> NoticeReading {
        if machine == .unknown { return readName(answer) }
        guard answer.status == 200, answer.error == nil else {
            // Where nothing answers, the name may be had later.
            if machine == .unnamed, !hasAnswered { forgetThatItIsUnnamed() }
            return .failure(answer)
        }
        guard let told = try? JSONText.decode(ScheduledEvents.self, from: Array(answer.body.utf8))
        else { return .garbage(answer.body) }
        hasAnswered = true
        let notices = told.events.filter(isOurs).compactMap {
            Self.notice($0, now: answer.date ?? now)
        }
        return notices.isEmpty ? .nothing : .notices(notices)
    }

    private mutating func readName(_ answer: Inquiry.Answer) -> NoticeReading {
        failures += 1
        guard answer.status == 200, answer.error == nil else { return .failure(answer) }
        guard
            let instance = try? JSONText.decode(AzureInstance.self, from: Array(answer.body.utf8)),
            !instance.compute.name.isEmpty
        else { return .garbage(answer.body) }
        machine = .named(instance.compute.name.lowercased())
        return .askAgain
    }

    private mutating func forgetThatItIsUnnamed() {
        machine = .unknown
        failures = 0
    }

    private func isOurs(_ event: ScheduledEvents.Event) -> Bool {
        guard case .named(let name) = machine else { return true }
        return event.resources.contains { $0.lowercased() == name }
    }

    var remark: String? {
        machine == .unnamed && hasAnswered
            ? "it does not tell this machine's name: every event of its group counts" : nil
    }

    private static func notice(_ event: ScheduledEvents.Event, now: Timestamp) -> Notice? {
        let action: Notice.Action
        var kind = Notice.Kind.maintenance
        switch event.type {
        case "Preempt", "Terminate":
            action = .terminate
            kind = .preempted
        // To other hardware, where its own disk is a new one.
        case "Redeploy": action = .terminate
        case "Reboot": action = .stop
        case "Freeze": action = .checkpoint
        default: return nil
        }
        guard action.endsRun else { return Notice(action: action, identity: event.id) }
        let written = event.notBefore ?? ""
        if written.isEmpty || event.status == "Started" {
            return Notice(action: action, left: .zero, identity: event.id, wording: "now")
        }
        var notice = Notice.at(
            HTTPDate.parse(written), written: written, now: now, most: most, action: action,
            identity: event.id)
        notice.kind = kind
        return notice
    }

    func acknowledgement(of notice: Notice) -> Inquiry? {
        guard acknowledges, let body = try? JSONText.encode(StartRequests(id: notice.identity))
        else { return nil }
        return .requests(
            HTTPRequests(
                method: "POST", urls: [events], headers: [Self.header],
                body: String(decoding: body, as: UTF8.self), limit: Self.limit))
    }
}
