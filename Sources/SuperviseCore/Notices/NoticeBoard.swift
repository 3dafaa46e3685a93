import SuperviseFormats

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
