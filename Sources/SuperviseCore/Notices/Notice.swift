import SuperviseFormats

/// That this machine is about to be taken away.
package struct Notice: Equatable, Sendable {
    package var action: Action
    /// Until the machine is gone, from the moment at which the notice was read; nil where it does not
    /// tell.
    package var left: Duration?
    /// Tells one notice from another of the same source.
    package var identity: String
    /// What it says, as far as that may change: the same words are the same notice.
    package var wording = ""
    /// Which grace it has, where it does not tell its time.
    package var kind = Kind.preempted
    /// What in it cannot be true, where something is; a sentence.
    package var doubt: String?

    package enum Action: String, Equatable, Sendable {
        /// The machine is gone, with its own disks.
        case terminate
        /// The machine is switched off; its disks stay.
        case stop
        /// The machine sleeps, and its memory is kept: the job goes on by itself.
        case hibernate
        /// The machine may be taken away later, or stands still for a moment.
        case checkpoint

        /// The run has to end; else a checkpoint now is enough.
        var endsRun: Bool { self == .terminate || self == .stop }
    }

    package enum Kind: String, Equatable, Sendable, CaseIterable {
        case preempted
        /// Of the host: the machine comes back, or begins again elsewhere.
        case maintenance
    }

    package init(
        action: Action, left: Duration? = nil, identity: String = "", wording: String = "",
        kind: Kind = .preempted, doubt: String? = nil
    ) {
        self.action = action
        self.left = left
        self.identity = identity
        self.wording = wording
        self.kind = kind
        self.doubt = doubt
    }
}

extension Notice {
    /// A moment so long ago was overtaken by the machine's going on.
    private static let longAgo = -120.0
    /// No cloud tells of an end so long before it.
    private static let farAhead = 86_400.0

    /// A notice with a moment in it, which may be a lie: too early by a little is now; what lies long
    /// ago or in another century is worth a checkpoint, but not the end of a run.
    ///
    /// - Parameters:
    ///   - time: as it is written; nil where it is missing or no time, and then nobody knows when.
    ///   - now: by the clock of whoever wrote it, where that is known.
    ///   - most: the earliest that this source tells of an end.
    package static func at(
        _ time: Timestamp?, written: String, now: Timestamp, most: Duration, action: Action,
        identity: String
    ) -> Notice {
        var notice = Notice(action: action, identity: identity, wording: written)
        guard let time else {
            if action.endsRun { notice.doubt = "its time is \(quoted(written))" }
            return notice
        }
        return notice.due(inSeconds: time.seconds(since: now), most: most)
    }

    /// The same one, so long before its time.
    package func due(inSeconds seconds: Double, most: Duration) -> Notice {
        var notice = self
        guard seconds.isFinite, seconds > Self.longAgo, seconds < Self.farAhead else {
            notice.doubt = "its time is \(Self.inWords(seconds))"
            if action.endsRun { notice.action = .checkpoint }
            return notice
        }
        notice.left = min(max(.zero, .milliseconds(Int64(seconds * 1000))), most)
        return notice
    }

    private static func inWords(_ seconds: Double) -> String {
        guard seconds.isFinite else { return "no number" }
        // A lie may be of any size.
        let days = min(abs(seconds) / 86_400, 1e9)
        let span = days < 2 ? "\(Int(abs(seconds))) s" : "\(Int(days)) days"
        return seconds < 0 ? "\(span) ago" : "in \(span)"
    }

    private static func quoted(_ text: String) -> String {
        text.isEmpty ? "missing" : "no time (\(text.bounded))"
    }
}

/// The notices of preemption that hold now, of each source and of the signal.
///
/// Each author has its own notices. A new answer takes the place of what that author has said before,
/// and an empty one withdraws it.
package struct NoticeBoard: Equatable, Sendable {
    package enum Author: Hashable, Comparable, Sendable {
        /// The preemption signal, which withdraws no notice.
        case signal
        /// One of the sources, by its place among them.
        case source(Int)
    }

    package struct Entry: Equatable, Sendable {
        package let notice: Notice
        /// Who said so, such as `aws` or `SIGUSR2`.
        package let source: String
        var noticed: Timestamp
        /// The machine is gone.
        package var deadline: Instant
        /// The same, as people read it.
        var deadlineToRead: Timestamp
        /// From the end of a final checkpoint's time to that.
        package var reserve: Duration
        /// What tells the source that all is saved.
        let acknowledgement: Inquiry?
    }

    private var entries: [Author: [Entry]] = [:]

    /// Two deadlines of one author that are closer than this are the same one, told twice.
    static let closeness = Duration.seconds(1)

    /// The notice that is acted on: the earliest deadline, then the harshest action.
    package var counting: Entry? {
        entries.sorted { $0.key < $1.key }.flatMap(\.value).earliest
    }

    func hasEntry(of author: Author) -> Bool { entries[author]?.isEmpty == false }

    /// - Returns: the notice that is withdrawn, where this author says nothing of an end any more.
    mutating func replace(_ author: Author, by new: [Entry]) -> Entry? {
        let old = entries[author] ?? []
        entries[author] = new.map { $0.goingOn(from: old) }
        return new.isEmpty ? old.earliest : nil
    }
}

extension NoticeBoard.Entry {
    /// Heard again, a notice keeps its deadline.
    fileprivate func goingOn(from old: [Self]) -> Self {
        if let same = old.first(where: { $0.notice.saysTheSame(as: notice) }) { return same }
        var entry = self
        if let close = old.first(where: { isClose(to: $0) }) {
            entry.noticed = close.noticed
            entry.reserve = min(reserve, close.reserve)
            if close.deadline <= deadline {
                entry.deadline = close.deadline
                entry.deadlineToRead = close.deadlineToRead
            }
        } else if let earlier = old.first(where: { $0.notice.identity == notice.identity }) {
            entry.noticed = earlier.noticed
        }
        return entry
    }

    private func isClose(to other: Self) -> Bool {
        notice.action == other.notice.action
            && abs((deadline - other.deadline).seconds) < NoticeBoard.closeness.seconds
    }

    fileprivate func comes(before other: Self) -> Bool {
        if deadline != other.deadline { return deadline < other.deadline }
        return notice.action == .terminate && other.notice.action != .terminate
    }
}

extension [NoticeBoard.Entry] {
    fileprivate var earliest: NoticeBoard.Entry? { self.min { $0.comes(before: $1) } }
}

extension Notice {
    fileprivate func saysTheSame(as other: Notice) -> Bool {
        action == other.action && identity == other.identity && wording == other.wording
    }
}

/// Limits how often a recommendation leads to a request for a checkpoint.
///
/// A cloud may recommend one again and again: at least the planned interval lies between two requests.
struct Recommendations: Equatable, Sendable {
    private var askedAt: Instant?
    /// Messages about refused recommendations that were printed.
    private var printed: Set<String> = []

    /// Whether a checkpoint is to be requested for this notice.
    mutating func admits(
        _ notice: Notice, of source: String, interval: Duration, at now: Moment,
        _ orders: inout Orders
    ) -> Bool {
        if notice.action == .checkpoint, let askedAt, now.instant - askedAt < interval {
            let doubt = notice.doubt.map { " (\($0))" } ?? ""
            let message =
                "\(source): a checkpoint is recommended again within the interval of the last "
                + "request, and comes in its turn\(doubt) (told once)"
            if printed.insert(message).inserted { orders.warn(message) }
            return false
        }
        orders.log(
            .noticed(.init(source: source, action: notice.action.rawValue, doubt: notice.doubt)))
        return true
    }

    /// The checkpoint was requested.
    mutating func asked(at now: Instant) { askedAt = now }
}
