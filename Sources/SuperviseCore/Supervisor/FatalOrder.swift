/// Since when all of the attempt gets SIGKILL.
///
/// Where we come late, the end of the time for SIGTERM and the last bound of a stop are due at the same
/// moment: what has just been killed, or was not yet, is not said to outlive it.
struct FatalOrder {
    /// What gets SIGKILL has so long to end: less than the second by which the promised bound of a stop is
    /// later than ours.
    private static let timeToDie = Duration.milliseconds(500)

    private var at: Instant?

    mutating func note(_ action: Action, at now: Instant) {
        switch action {
        case .spawn: at = nil
        case .killEverything, .endDescendants(.atOnce): at = at ?? now
        default: break
        }
    }

    /// How long to wait before what is left is given up; nil where the order was not given yet.
    func patience(at now: Instant) -> Duration? {
        at.map { max(.zero, $0 + Self.timeToDie - now) }
    }
}
