import SuperviseFormats

/// EC2's instance metadata, version 2: a token first, then two questions every five seconds.
///
/// A token that is not taken any more (401) is replaced by a new one, and never sent again.
struct AWSNotices: NoticeDialect {
    let name = "aws"
    /// Without a slash at its end.
    let base: String
    private var stage = Stage.token

    private enum Stage: Sendable {
        case token
        case ready(String)
        /// - Parameter isTaken: whether the token has been of use.
        case asking(isTaken: Bool)
    }

    /// EC2 recommends to ask every five seconds.
    private static let pace = Duration.seconds(5)
    private static let limit = Duration.seconds(2)
    /// In seconds; with each inquiry there is a new one, long before.
    private static let tokenLife = 3600
    private static let rounds = 60
    /// A notice comes two minutes ahead, and no clock makes that more.
    private static let most = Duration.seconds(120)
    private static let action = "/latest/meta-data/spot/instance-action"
    private static let rebalance = "/latest/meta-data/events/recommendations/rebalance"

    init(base: String) { self.base = base }

    var interval: Duration {
        if case .asking = stage { Self.pace } else { .zero }
    }

    mutating func inquiry(paced: Bool) -> Inquiry {
        guard case .ready(let token) = stage else {
            stage = .token
            let life = "X-aws-ec2-metadata-token-ttl-seconds: \(Self.tokenLife)"
            return .requests(
                HTTPRequests(
                    method: "PUT", urls: [base + "/latest/api/token"], headers: [life],
                    limit: Self.limit))
        }
        stage = .asking(isTaken: false)
        let both = [base + Self.action, base + Self.rebalance]
        return .requests(
            HTTPRequests(
                urls: Array(repeating: both, count: paced ? Self.rounds : 1).flatMap { $0 },
                headers: ["X-aws-ec2-metadata-token: \(token)"],
                spacing: paced ? Self.pace / 2 : nil, limit: Self.limit))
    }

    mutating func read(_ answer: Inquiry.Answer, at now: Timestamp) -> NoticeReading {
        guard case .asking(let isTaken) = stage else { return readToken(answer) }
        switch answer.status {
        case 404:
            stage = .asking(isTaken: true)
            return .nothing
        // It has run out, or was forgotten; one that has just been given is another matter.
        case 401 where isTaken: return .askAgain
        case 200 where answer.error == nil:
            stage = .asking(isTaken: true)
            return read(answer.body, at: answer.date ?? now)
        default: return .failure(answer)
        }
    }

    private mutating func readToken(_ answer: Inquiry.Answer) -> NoticeReading {
        guard answer.status == 200, answer.error == nil else { return .failure(answer) }
        guard Self.isToken(answer.body) else { return .garbage(answer.body) }
        stage = .ready(answer.body)
        return .askAgain
    }

    private func read(_ text: String, at clock: Timestamp) -> NoticeReading {
        let body = Array(text.utf8)
        if let found = try? JSONText.decode(InstanceAction.self, from: body) {
            return read(found, at: clock)
        }
        if let found = try? JSONText.decode(RebalanceRecommendation.self, from: body) {
            return .notices([.init(action: .checkpoint, identity: found.noticeTime)])
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
