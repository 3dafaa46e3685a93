/// Why nothing was done: one line for standard error, and the exit status.
struct Complaint: Error, Equatable {
    /// Lower case, without `supervise:` and without a full stop.
    let message: String
    let status: Int32

    /// `supervise` cannot do what it was asked to: bad options, or a state that it cannot use.
    static let unable: Int32 = 125
    /// The answer is no: there is no such run, a checkpoint is bad.
    static let no: Int32 = 1

    init(_ message: String, status: Int32 = Complaint.unable) {
        self.message = message
        self.status = status
    }
}
