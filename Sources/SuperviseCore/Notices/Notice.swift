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
