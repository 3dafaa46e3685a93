import SuperviseFormats

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
