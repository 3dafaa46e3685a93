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
