import SuperviseFormats

/// EC2's instance metadata, version 2: a token first, then two questions every five seconds.
///
/// A token that is not taken any more (401) is replaced by a new one, and never sent again. A service
/// that gives no token, as to a container behind a hop limit of 1, is asked without one.
struct AWSNotices: NoticeDialect {
    let name = "aws"
    /// Without a slash at its end.
    let base: String
    private var stage = Stage.token
    /// Requests for a token in a row that failed, and why the last one did.
    private var refusals = 0
    private var refusal = ""

    private enum Stage: Sendable {
        case token
        /// nil asks without one, as version 1 of the service did.
        case ready(String?)
        case asking(Asking)
    }

    private struct Asking: Sendable {
        let hasToken: Bool
        /// The service has taken the token, or wants none.
        var isTaken = false
        /// The answers come in the order of the questions.
        var next = Question.action
    }

    private enum Question: Sendable { case action, rebalance }

    /// EC2 recommends to ask every five seconds.
    private static let pace = Duration.seconds(5)
    private static let limit = Duration.seconds(2)
    /// In seconds; with each inquiry there is a new one, long before.
    private static let tokenLife = 3600
    private static let rounds = 60
    /// After so many requests for a token in vain one question is asked without.
    private static let patience = 2
    /// A notice comes two minutes ahead, and no clock makes that more.
    private static let most = Duration.seconds(120)
    private static let action = "/latest/meta-data/spot/instance-action"
    private static let rebalance = "/latest/meta-data/events/recommendations/rebalance"

    init(base: String) { self.base = base }

    var interval: Duration {
        if case .asking = stage { Self.pace } else { .zero }
    }

    mutating func inquiry(paced: Bool) -> Inquiry {
        let isReady = if case .ready = stage { true } else { false }
        if !isReady, refusals >= Self.patience { stage = .ready(nil) }
        guard case .ready(let token) = stage else {
            stage = .token
            let life = "X-aws-ec2-metadata-token-ttl-seconds: \(Self.tokenLife)"
            return .requests(
                HTTPRequests(
                    method: "PUT", urls: [base + "/latest/api/token"], headers: [life],
                    limit: Self.limit))
        }
        stage = .asking(Asking(hasToken: token != nil))
        let both = [base + Self.action, base + Self.rebalance]
        return .requests(
            HTTPRequests(
                urls: Array(repeating: both, count: paced ? Self.rounds : 1).flatMap { $0 },
                headers: token.map { ["X-aws-ec2-metadata-token: \($0)"] } ?? [],
                spacing: paced ? Self.pace / 2 : nil, limit: Self.limit))
    }

    mutating func read(_ answer: Inquiry.Answer, at now: Timestamp) -> NoticeReading {
        guard case .asking(var asking) = stage else { return readToken(answer) }
        let question = asking.next
        asking.next = question == .action ? .rebalance : .action
        switch answer.status {
        case 404 where answer.error == nil:
            asking.isTaken = true
            stage = .asking(asking)
            return question == .action ? .nothing : .aside([])
        case 401 where !asking.hasToken:
            refusals = 0
            stage = .token
            return .failure(wantsToken)
        // It has run out, or was forgotten; one that has just been given is another matter.
        case 401 where asking.isTaken: return .askAgain
        case 200 where answer.error == nil:
            asking.isTaken = true
            stage = .asking(asking)
            return read(answer.body, at: answer.date ?? now)
        default:
            if !asking.hasToken { refusals = 0 }
            return .failure(answer)
        }
    }

    private mutating func readToken(_ answer: Inquiry.Answer) -> NoticeReading {
        guard answer.status == 200, answer.error == nil else {
            refusals += 1
            refusal = (answer.error ?? "status \(answer.status)").bounded(to: 100)
            let isSilent = answer.error?.hasPrefix("curl: (28)") == true
            guard isSilent else { return .failure(answer) }
            return .failure("no token comes (\(refusal)); \(Self.cure)")
        }
        guard Self.isToken(answer.body) else { return .garbage(answer.body) }
        refusals = 0
        stage = .ready(answer.body)
        return .askAgain
    }

    /// In a container the answer to the PUT takes one hop more than the host's.
    private static let cure =
        "in a container, raise the hop limit of IMDSv2: aws ec2 modify-instance-metadata-options "
        + "--instance-id ID --http-put-response-hop-limit 2"

    private var wantsToken: String {
        "it wants a token (status 401) and gives none (\(refusal)); \(Self.cure)"
    }

    var remark: String? {
        guard case .asking(let asking) = stage, !asking.hasToken, asking.isTaken else { return nil }
        return "it gives no token (\(refusal)) and is asked without one; \(Self.cure)"
    }

    private func read(_ text: String, at clock: Timestamp) -> NoticeReading {
        let body = Array(text.utf8)
        if let found = try? JSONText.decode(InstanceAction.self, from: body) {
            return read(found, at: clock)
        }
        if let found = try? JSONText.decode(RebalanceRecommendation.self, from: body) {
            return .aside([.init(action: .checkpoint, identity: found.noticeTime)])
        }
        return .garbage(text)
    }

    private func read(_ found: InstanceAction, at clock: Timestamp) -> NoticeReading {
        guard let action = Notice.Action(rawValue: found.action), action != .checkpoint else {
            return .garbage(found.action)
        }
        let written = found.time ?? ""
        return .notices([
            .at(
                Timestamp(written), written: written, now: clock, most: Self.most,
                action: action, identity: found.action + written)
        ])
    }

    /// It goes into a header.
    private static func isToken(_ text: String) -> Bool {
        (1...1024).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "<") }
    }
}
