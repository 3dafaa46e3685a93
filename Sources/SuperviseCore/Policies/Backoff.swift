import SuperviseFormats

/// How long to wait before the next attempt: exponential, with jitter, reset by progress.
package enum Backoff {
    /// - Parameters:
    ///   - failures: in a row without progress; at least 1.
    ///   - range: the first wait and the longest.
    ///   - jitter: between -1 and 1; moves the wait by up to a fifth, within the longest.
    package static func wait(
        afterFailures failures: Int, range: ClosedRange<Duration>, jitter: Double
    ) -> Duration {
        let doublings = min(max(failures, 1) - 1, 40)
        let exponential = range.lowerBound.seconds * Double(1 << doublings)
        let longest = range.upperBound.seconds
        let wait = min(min(exponential, longest) * (1 + 0.2 * jitter), longest)
        return .nanoseconds(Int64(wait * 1e9))
    }
}
