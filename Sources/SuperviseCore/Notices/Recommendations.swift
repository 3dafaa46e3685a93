/// How often a checkpoint is asked for because somebody recommends one.
///
/// A cloud may recommend one again and again: between two requests lies at least the interval that is
/// planned anyway.
struct Recommendations: Equatable, Sendable {
    private var askedAt: Instant?

    /// Whether the next one may be heeded.
    func admits(at now: Instant, interval: Duration) -> Bool {
        askedAt.map { now - $0 >= interval } ?? true
    }

    mutating func asked(at now: Instant) { askedAt = now }
}
