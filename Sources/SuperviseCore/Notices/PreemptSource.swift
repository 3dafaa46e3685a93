/// Who is asked whether the machine is taken away, of `--preempt`.
package enum PreemptSource: Equatable, Sendable {
    /// With the address of the metadata service, without a slash at its end.
    case aws(base: String)
    case gcp(base: String)
    case azure(base: String)
    case program(ShellWords)

    /// Whether `curl` asks.
    package var needsCurl: Bool {
        if case .program = self { false } else { true }
    }

    /// - Parameter acknowledges: whether it is told when all is saved, where it wants to be.
    func dialects(acknowledges: Bool) -> [any NoticeDialect] {
        switch self {
        case .aws(let base): [AWSNotices(base: base)]
        case .gcp(let base):
            [
                GCPNotices(base: base, value: .preempted),
                GCPNotices(base: base, value: .maintenance),
            ]
        case .azure(let base): [AzureNotices(base: base, acknowledges: acknowledges)]
        case .program(let words): [ProgramNotices(words.templates)]
        }
    }
}
