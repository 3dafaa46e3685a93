import SuperviseFormats

/// That this machine is about to be taken away.
package struct Notice: Equatable, Sendable {
    package var action: Action
    /// Until the machine is gone, from the moment at which the notice was read; nil where it does not
    /// tell.
    package var left: Duration?
    /// Tells one notice from another of the same source.
    package var identity: String
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

    package init(
        action: Action, left: Duration? = nil, identity: String = "", doubt: String? = nil
    ) {
        self.action = action
        self.left = left
        self.identity = identity
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
        var notice = Notice(action: action, identity: identity)
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
