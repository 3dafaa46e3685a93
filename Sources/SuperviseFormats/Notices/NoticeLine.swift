/// The line of JSON by which a program of `--preempt exec:…` says that it is time.
package struct NoticeLine: Decodable, Equatable, Sendable {
    /// Seconds from now until the machine is gone.
    package var deadline: Double?
    /// `terminate`, `stop`, `hibernate` or `checkpoint`.
    package var action: String?

    package enum CodingKeys: String, CodingKey {
        case action
        case deadline = "deadline_s"
    }
}
