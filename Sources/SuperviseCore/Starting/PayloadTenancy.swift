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
