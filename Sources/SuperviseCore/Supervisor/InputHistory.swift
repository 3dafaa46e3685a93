/// The state of our standard input, which all attempts share.
///
/// A file can be read again, from where the first attempt of this supervisor began. What an attempt has
/// read from a pipe never comes again.
package struct InputHistory: Equatable, Sendable {
    /// Before the first attempt that ran; nil where none has.
    private var first: Event.Input?
    /// When it was last looked at.
    private var last = Event.Input.other
    /// An attempt has run, and may have read.
    private var isUsed = false
    private var isLossTold = false

    package init() {}

    mutating func saw(_ input: Event.Input) {
        last = input
        if !isUsed { first = input }
    }

    /// An attempt is running, and may read from now on.
    mutating func attemptRan() { isUsed = true }

    var hasBeenUsed: Bool { isUsed }

    /// Where another attempt is to begin to read; nil where there is nothing to put back.
    var rewind: Int64? {
        guard isUsed, case .file(let offset) = first, case .file = last else { return nil }
        return offset
    }

    /// A pipe that an attempt may have read from. One without a byte and a writer from the beginning (as
    /// from cron) never had anything.
    private var isPipeInUse: Bool {
        guard isUsed, case .pipe(let waiting, let isOpen) = first else { return false }
        return waiting > 0 || isOpen
    }

    /// Whether to tell that another attempt finds only the rest; the first time.
    mutating func tellsLoss() -> Bool {
        guard isPipeInUse, !isLossTold else { return false }
        isLossTold = true
        return true
    }

    /// An attempt before has read from a pipe, as far as can be told, and nothing is left in it nor will
    /// be.
    package var isUsedUp: Bool {
        isPipeInUse && last == .pipe(waiting: 0, isOpen: false)
    }
}
