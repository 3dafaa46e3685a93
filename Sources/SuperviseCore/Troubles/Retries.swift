import SuperviseFormats

/// Something beside a start that the machine refuses for now, and that is tried again.
package enum Hindrance: Hashable, Sendable {
    /// The job's processes cannot be looked at, so nobody can tell whether some are left.
    case tree(String)
    /// Nobody can tell whether an earlier supervisor has left something.
    case leftovers(String)
    /// Something of this attempt outlives SIGKILL, which is sent again.
    case outliving(attempt: Int)
    /// No guard can be started in place of one that was killed.
    case guardian
    /// Work waits for its first thread.
    case threads(String)
    /// A signal that stops the job, or lets it go on, cannot be sent to all of it: its name, and why.
    case signal(String, String)

    enum Kind: Hashable, Sendable, CaseIterable {
        case tree, leftovers, outliving, guardian, threads, signal
    }

    var kind: Kind {
        switch self {
        case .tree: .tree
        case .leftovers: .leftovers
        case .outliving: .outliving
        case .guardian: .guardian
        case .threads: .threads
        case .signal: .signal
        }
    }
}

/// When each ``Hindrance`` is tried to be overcome again, and which of them are reported.
///
/// One try is for all of them, so the wait grows by tries, however many of them one try meets.
struct Retries: Equatable, Sendable {
    private struct Open: Equatable {
        let since: Instant
        /// It was met again since the last try began.
        var isMet = true
    }

    /// Why nobody can tell whether some of the job is left; nil where that is known.
    private(set) var unseen: String?
    /// The attempt that last outlived SIGKILL.
    private(set) var outliving: Int?
    /// Reported, and not over.
    private var open: [Hindrance.Kind: Open] = [:]
    private var tries = 0

    /// - Returns: how long to wait before the next try, and whether people have not read of it yet.
    mutating func meet(_ hindrance: Hindrance, at now: Instant) -> (wait: Duration, isFirst: Bool) {
        switch hindrance {
        case .tree(let reason): unseen = reason
        case .outliving(let attempt): outliving = attempt
        case .leftovers, .guardian, .threads, .signal: break
        }
        let known = open[hindrance.kind]
        open[hindrance.kind] = Open(since: known?.since ?? now)
        let wait = Backoff.wait(
            afterFailures: tries + 1, range: MachineShortage.waits, jitter: 0)
        return (wait, known == nil)
    }

    /// Everything is tried again now: clears the last reason, which a new failure sets again.
    mutating func tryNow() {
        unseen = nil
        tries += 1
        // A search for leftovers answers by itself.
        for kind in open.keys where kind != .leftovers { open[kind]?.isMet = false }
    }

    /// A search has told whether an earlier supervisor has left something.
    ///
    /// - Returns: how long that could not be told; nil where it could at once.
    mutating func leftoversSeen(at now: Instant) -> Duration? {
        open.removeValue(forKey: .leftovers).map { now - $0.since }
    }

    /// All has been tried again.
    ///
    /// - Returns: what is over, and how long it lasted.
    mutating func tried(at now: Instant) -> [(kind: Hindrance.Kind, lasted: Duration)] {
        let over = Hindrance.Kind.allCases.compactMap { kind in
            open[kind].flatMap { $0.isMet ? nil : (kind: kind, lasted: now - $0.since) }
        }
        for (kind, _) in over { open[kind] = nil }
        if open.isEmpty { tries = 0 }
        return over
    }
}

/// What people read.
extension Hindrance {
    /// nil where the host has said it.
    var sentence: String? {
        switch self {
        case .tree(let reason):
            "whether something of the job is left cannot be told now (\(reason)); looking again "
                + "until it can"
        case .leftovers(let reason):
            "whether an earlier attempt has left something cannot be told now (\(reason)); starting "
                + "nothing and looking again until it can"
        // Reported when its time was up.
        case .outliving: nil
        case .guardian: nil
        case .threads(let reason):
            "no thread can be started (\(reason)), and the work waits for one; trying again"
        case .signal(let name, let reason):
            "\(name) cannot be sent to all of the job now (\(reason)); sending it as soon as that can "
                + "be done"
        }
    }
}

extension Hindrance.Kind {
    /// What can be done again when it is over; nil where the host says it.
    var end: String? {
        switch self {
        case .tree: "the job's processes can be looked at"
        case .leftovers: "what an earlier attempt has left can be looked for"
        case .outliving, .guardian: nil
        case .threads: "threads can be started"
        case .signal: "the whole job can be sent signals"
        }
    }
}

/// How long to wait before the next attempt: exponential, with jitter, reset by progress.
package enum Backoff {
    /// - Parameters:
    ///   - failures: in a row without progress; at least 1.
    ///   - range: the first wait and the longest.
    ///   - jitter: between -1 and 1; moves the wait by up to a fifth, within the range.
    package static func wait(
        afterFailures failures: Int, range: ClosedRange<Duration>, jitter: Double
    ) -> Duration {
        let doublings = min(max(failures, 1) - 1, 40)
        let exponential = range.lowerBound.seconds * Double(1 << doublings)
        let wait = min(exponential, range.upperBound.seconds) * (1 + 0.2 * jitter)
        return min(max(.nanoseconds(Int64(wait * 1e9)), range.lowerBound), range.upperBound)
    }
}
