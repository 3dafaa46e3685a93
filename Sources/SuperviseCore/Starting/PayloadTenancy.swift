import SuperviseFormats

/// Whether a state may keep its checkpoints in a directory that was named with `--checkpoint-dir`.
///
/// The directory belongs to one state, not even to two one after the other: each would remove the
/// other's checkpoints.
package struct PayloadTenancy: Equatable, Sendable {
    /// The state that keeps its checkpoints there, as the file `owner` says; nil where there is none.
    package var owner: PayloadOwner?
    /// Our run's directory; nil where it is not there yet.
    package var home: DirectoryID?
    /// Its path.
    package var path: String
    package var host: String
    /// The state at the owner's path now.
    package var other: Other

    package enum Other: Equatable, Sendable {
        /// Our run's directory, or the place where it will be.
        case us
        /// Another run's directory, with a record that leads here.
        case here
        /// Another run's directory, with a record that leads elsewhere: this directory is a copy.
        case elsewhere
        case gone
        /// It may be there; the text says why nobody can tell.
        case unknown(String)
    }

    package enum Verdict: Equatable, Sendable {
        case ours
        /// It belongs to nobody.
        case free
        /// The owner is gone.
        case takenOver
        /// The owner keeps its checkpoints elsewhere: a copy of them.
        case copied
        case refused(Refusal)
    }

    package enum Refusal: Equatable, Sendable {
        case otherState
        /// On the host of that name, whose directories are not ours.
        case otherHost
        case unknown(String)
    }

    package init(
        owner: PayloadOwner?, home: DirectoryID?, path: String, host: String, other: Other
    ) {
        self.owner = owner
        self.home = home
        self.path = path
        self.host = host
        self.other = other
    }

    package var verdict: Verdict {
        guard let owner else { return .free }
        if home == owner.home.id { return .ours }
        // On a shared disk, the device's number is that of the host, and of the boot.
        if let home, owner.home.isSamePlace(as: Home(path: path, id: home)) { return .ours }
        switch other {
        case .here: return .refused(.otherState)
        case .unknown(let reason): return .refused(.unknown(reason))
        case .us, .elsewhere, .gone:
            guard owner.host == host else { return .refused(.otherHost) }
            return other == .us ? .ours : other == .gone ? .takenOver : .copied
        }
    }
}

/// Decides what the status of a run says that no supervisor is at work on: its lock is free, or held
/// only to settle it.
///
/// The run's record stays as it is: the next start counts the failure of the machine, and ends what was
/// left, as if nobody had settled it.
package enum Settlement {
    /// - Parameters:
    ///   - record: nil if it cannot be read; then the status alone decides.
    ///   - time: when the status is said to be updated; nil leaves that as it is.
    /// - Returns: the status as it should be; nil if the published one is right.
    package static func settled(
        _ status: Status, by record: RunRecord?, at time: Timestamp? = nil
    ) -> Status? {
        let isStale = record.map { began($0, after: status) } ?? false
        guard status.phase != .finished || isStale else { return nil }
        var settled = status
        if isStale, let record { settled.take(record) }
        settled.phase = .finished
        settled.outcome = record?.outcome ?? .lost
        settled.jobPID = nil
        settled.socket = nil
        settled.nextCheckpoint = nil
        if let time { settled.updated = time }
        return settled
    }

    /// A supervisor has begun an attempt and died before it published a status.
    private static func began(_ record: RunRecord, after status: Status) -> Bool {
        guard record.outcome == nil, let begun = record.current?.started else { return false }
        return begun > status.updated
    }

    /// Whether this machine may settle a run whose lock the caller holds.
    package enum Right: Equatable, Sendable {
        case settle
        /// The run was last at work on that host, and may be still.
        case otherHost(String)
    }

    package static func right(to record: RunRecord, on host: String) -> Right {
        record.host == host ? .settle : .otherHost(record.host)
    }
}
