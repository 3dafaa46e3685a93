import SuperviseSystem

extension Complaint {
    /// Nobody reads what we write any more, as behind `head`: we end as other programs do, by SIGPIPE, and
    /// say nothing.
    static let noReader = Complaint("", status: 128 + brokenPipeSignal)

    /// - Parameter error: of a call that reads, or that writes to standard output.
    /// - Returns: nil where it is not that the reader has gone.
    init?(writing error: SystemError) {
        guard error.isBrokenPipe else { return nil }
        self = .noReader
    }
}
