import SuperviseFormats

/// One value of the metadata server of Google's Compute Engine: asked once, and from then on by a
/// request that is answered when it changes.
struct GCPNotices: NoticeDialect {
    let name = "gcp"
    /// Without a slash at its end.
    let base: String
    let value: Value
    private var etag: String?
    private var isWaiting = false

    enum Value: String, Sendable {
        case preempted
        case maintenance = "maintenance-event"
    }

    private static let limit = Duration.seconds(10)
    private static let wait = 300

    init(base: String, value: Value) {
        self.base = base
        self.value = value
    }

    /// A server that does not wait is not asked without end.
    var interval: Duration { isWaiting ? .seconds(1) : .zero }

    mutating func inquiry(paced: Bool) -> Inquiry {
        isWaiting = etag != nil
        var url = base + "/computeMetadata/v1/instance/\(value.rawValue)"
        var limit = Self.limit
        if let etag {
            url += "?wait_for_change=true&timeout_sec=\(Self.wait)&last_etag=\(etag)"
            limit += .seconds(Self.wait)
        }
        return .requests(
            HTTPRequests(urls: [url], headers: ["Metadata-Flavor: Google"], limit: limit))
    }

    mutating func read(_ answer: Inquiry.Answer, at now: Timestamp) -> NoticeReading {
        guard answer.status == 200, answer.error == nil else {
            etag = nil
            return .failure(answer)
        }
        let tag = answer.headers["etag"].flatMap { Self.isPlain($0) ? $0 : nil }
        etag = nil
        // Where it cannot be told what it was, any change may have been missed.
        guard let tag else { return .failure("it gave no etag to wait with") }
        let reading = read(answer.body, tag)
        // What was not understood is not waited with.
        if case .failure = reading { return reading }
        etag = tag
        return reading
    }

    /// - Parameter tag: another one tells that it happens once more.
    private func read(_ word: String, _ tag: String) -> NoticeReading {
        let word = word.trimmed
        return switch (value, word) {
        case (.preempted, "FALSE"), (.maintenance, "NONE"): .nothing
        case (.preempted, "TRUE"):
            .notices([.init(action: .terminate, identity: word)])
        // Moved while it runs: it stands still for a moment.
        case (.maintenance, let word) where word.hasPrefix("MIGRATE"):
            .notices([.init(action: .checkpoint, identity: word + tag)])
        case (.maintenance, let word) where word.hasPrefix("TERMINATE"):
            .notices([.init(action: .stop, identity: word, kind: .maintenance)])
        default: .garbage(word)
        }
    }

    /// It goes into a URL.
    private static func isPlain(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
    }
}

extension String {
    /// Without white space at its ends.
    var trimmed: String {
        let rest = drop { $0.isWhitespace }
        let end = rest.lastIndex { !$0.isWhitespace }
        return end.map { String(rest[...$0]) } ?? ""
    }
}
