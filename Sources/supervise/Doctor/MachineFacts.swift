import SuperviseCore
import SuperviseFormats
import SuperviseSystem

/// What the doctor knows of the machine, as far as runs depend on it.
struct MachineFacts: Sendable {
    /// Who asks.
    var user: UInt32 = 0
    /// Where the runs are kept, and other places that some have their checkpoints in.
    var places: [Place] = []
    /// Those of them that another user may change.
    var weakPlaces: [WeakPlace] = []
    var socket: Socket = .ours("")
    /// How many files a process may have open.
    var descriptors = 1024
    /// How many processes there may be, and are, by the narrowest limit; nil where nothing limits it.
    var processes: (most: Int, now: Int)?
    /// How many locks there are of runs that are gone.
    var strayLocks = 0
    /// Whether /proc can be read.
    var hasProc = true
    /// System calls that we would use and that are refused here.
    var refusedCalls: [RefusedCall] = []
    var now: Timestamp
    /// The newest time that any run tells of.
    var newest: Timestamp?
    /// Those that were found, of the programs that features need.
    var programs: Set<String> = []

    /// A directory that runs are kept in, with what another user may change on the way to it.
    struct WeakPlace: Sendable {
        var label: String
        var path: String
        var weakness: PlaceTrust.Weakness
        /// A run in it has a job that is another user.
        var hasJobOfAnother: Bool
    }

    /// A directory that runs are kept in.
    struct Place: Sendable {
        var label: String
        var path: String
        var state: State
        enum State: Sendable {
            /// It will be made.
            case missing
            case noDirectory
            case unreadable(String)
            case there(Mount, Ownership, isWritable: Bool)
        }
    }

    /// Where the socket of a run would be.
    enum Socket: Sendable {
        case ours(String)
        /// It will be made, as the directory above it is there and may be written to.
        case possible(String)
        case refused(String, reason: String)
    }
}
