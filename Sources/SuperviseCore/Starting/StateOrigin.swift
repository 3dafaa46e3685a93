import SuperviseFormats

/// Whether a run's directory is the one that its record was written in, and what a start may do.
///
/// A directory that was moved on one file system is still the same one. One that was copied, or moved
/// to another file system, is not: processes with the run's token may then belong to the original.
package struct StateOrigin: Equatable, Sendable {
    /// As it was when the record was written; nil where an older version wrote it.
    package var recorded: Home?
    package var now: Home
    /// The record was written on this host.
    package var isSameHost: Bool
    /// The supervisor that wrote the record, if it still runs. We hold the lock, so it holds that of
    /// another directory.
    package var supervisor: Int32?
    package var processes: Processes
    package var original: Original

    /// Those with the run's token.
    package enum Processes: Equatable, Sendable {
        /// /proc does not show them.
        case unknown
        case found([Process])
    }

    package struct Process: Equatable, Sendable {
        package var pid: Int32
        /// It was started from a directory with our path, as the name of its socket says; nil where we
        /// may not read that, or it has none.
        package var hasOurSocket: Bool?

        package init(pid: Int32, hasOurSocket: Bool?) {
            self.pid = pid
            self.hasOurSocket = hasOurSocket
        }
    }

    /// The directory at the recorded path now.
    package enum Original: Equatable, Sendable {
        /// Another run's directory, with a record in it.
        case exists
        case gone
        case unknown
    }

    package enum Verdict: Equatable, Sendable {
        /// The recorded directory: what an earlier attempt left is ended as always.
        case here
        /// Nobody lives, and there is nothing to tell: a new token, for there may be copies.
        case renew
        /// The original is gone, nobody lives: a new token.
        case moved
        /// The original is there, or may be, and nobody lives: a new token, and what both own outside of
        /// the state is the original's.
        case copied
        case refused(Refusal)
    }

    package enum Refusal: Equatable, Sendable {
        case supervisor(Int32)
        case processes([Int32])
        /// /proc does not show whether there are any.
        case unknown
    }

    package init(
        recorded: Home?, now: Home, isSameHost: Bool = true, supervisor: Int32? = nil,
        processes: Processes = .found([]), original: Original = .gone
    ) {
        self.recorded = recorded
        self.now = now
        self.isSameHost = isSameHost
        self.supervisor = supervisor
        self.processes = processes
        self.original = original
    }

    /// Whether processes are to be looked for.
    package static func needsLook(recorded: Home?, now: Home) -> Bool { recorded?.id != now.id }

    package var verdict: Verdict {
        if let supervisor { return .refused(.supervisor(supervisor)) }
        guard let recorded else { return verdictOnOlderRecord }
        if recorded.id == now.id { return .here }
        // A reboot or another mount changes the device's number.
        let isSamePlace = recorded.isSamePlace(as: now)
        switch processes {
        case .unknown where !isSamePlace: return .refused(.unknown)
        case .found(let found) where !found.isEmpty: return .refused(.processes(found.map(\.pid)))
        case .unknown, .found: break
        }
        if isSamePlace { return .renew }
        return isSameHost && original == .gone ? .moved : .copied
    }

    /// It does not say which directory it was written in, but the socket of a process does.
    private var verdictOnOlderRecord: Verdict {
        guard case .found(let found) = processes else { return .here }
        let foreign = found.filter { $0.hasOurSocket == false }
        if !foreign.isEmpty { return .refused(.processes(foreign.map(\.pid))) }
        if found.contains(where: { $0.hasOurSocket == true }) { return .here }
        if !found.isEmpty { return .refused(.processes(found.map(\.pid))) }
        switch original {
        case .exists: return .copied
        case .gone, .unknown: return .renew
        }
    }
}

/// The wait of a start for a directory that it requires, as on a disk that is mounted late.
package struct AwaitedState: Equatable, Sendable {
    package enum Verdict: Equatable, Sendable {
        /// Look again after this time; `isFirst` if people have not read of it yet.
        case wait(Duration, isFirst: Bool)
        /// It has been missing for too long.
        case giveUp
    }

    /// How long a start waits: less than systemd waits for a start (90 s).
    package static let patience = Duration.seconds(60)
    /// From one look to the next.
    package static let pause = Duration.milliseconds(500)

    private var since: Instant?

    package init() {}

    /// The directory was looked for, and is not there.
    package mutating func missing(at now: Instant) -> Verdict {
        guard let since else {
            self.since = now
            return .wait(Self.pause, isFirst: true)
        }
        let left = Self.patience - (now - since)
        return left > .zero ? .wait(min(Self.pause, left), isFirst: false) : .giveUp
    }
}
