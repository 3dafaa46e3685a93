/// Why the attempt before this one ended, for the job.
package struct LastFailure: Codable, Equatable, Sendable {
    package var attempt: Int
    package var kind: Failure.Kind
    @Null package var exitCode: Int?
    /// The name of the signal that ended it, such as `SIGKILL`.
    @Null package var signal: String?
    /// The time since its last checkpoint, which has to be done again, in seconds.
    package var lostSeconds: Double

    package init(_ failure: Failure) {
        attempt = failure.attempt
        kind = failure.kind
        exitCode = failure.exitCode
        signal = failure.signal
        lostSeconds = failure.lostSeconds
    }

    package enum CodingKeys: String, CodingKey {
        case attempt, kind, signal
        case exitCode = "exit_code"
        case lostSeconds = "lost_s"
    }
}
