/// What our starter gave us for the job: our standard input, which all attempts share, and descriptors.
///
/// A file can be read again, from where the first attempt of this supervisor began. What an attempt has
/// read from a pipe never comes again.
struct InputHistory: Equatable, Sendable {
    /// Before the first attempt that ran; nil where none has.
    private var first: Event.Input?
    /// When it was last looked at.
    private var last = Event.Input.other
    /// An attempt has run, and may have read.
    private var isUsed = false
    /// An attempt had run, and may have read, when the newest one started.
    private var wasUsed = false
    private var isLossTold = false
    private var holdsInherited = true

    /// Why a run fails whose job has exited with status 0.
    static let usedUp =
        "the job exited with status 0, but its standard input, a pipe, was used up by an attempt "
        + "before: the run counts as failed (input_used_up). Give the input as a file, supervise "
        + "-- COMMAND < FILE, or let the job open it by name"

    mutating func saw(_ input: Event.Input) {
        last = input
        if !isUsed { first = input }
    }

    /// Before a spawn: the job finds again what an attempt before has read, or people read that it does
    /// not.
    mutating func prepare(for attempt: Int, _ orders: inout Orders) {
        wasUsed = false
        if isUsed, case .file(let offset) = first, case .file = last {
            orders.add(.rewindInput(to: offset))
        }
        guard isPipeInUse, !isLossTold else { return }
        isLossTold = true
        orders.warn(
            "standard input is a pipe: what attempt \(attempt - 1) has read of it does not come again. "
                + "To let each attempt read all of it: supervise -- COMMAND < FILE")
    }

    /// Closes the inherited descriptors, once: no other attempt starts.
    mutating func closeInherited(_ orders: inout Orders) {
        guard holdsInherited else { return }
        holdsInherited = false
        orders.add(.closeInherited)
    }

    /// An attempt is running, and may read from now on.
    mutating func attemptRan() {
        wasUsed = isUsed
        isUsed = true
    }

    /// A pipe that an attempt may have read from. One without a byte and a writer from the beginning (as
    /// from cron) never had anything.
    private var isPipeInUse: Bool {
        guard isUsed, case .pipe(let waiting, let isOpen) = first else { return false }
        return waiting > 0 || isOpen
    }

    /// An attempt before the newest one has read from a pipe, as far as can be told, and nothing is left
    /// in it nor will be.
    var isUsedUp: Bool {
        wasUsed && isPipeInUse && last == .pipe(waiting: 0, isOpen: false)
    }
}
