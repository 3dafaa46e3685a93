import SuperviseCore
import SuperviseFormats

/// The leader of an attempt as the world plays it, and what it knows.
final class Job {
    struct Open {
        let id: CheckpointID
        let link: Int
        let request: Int?
    }

    let tree: Int
    let order: Action.SpawnOrder
    let generation: Int
    var isAlive = true
    var isStarted = false
    var hangs = false
    /// By SIGSTOP.
    var isStopped = false
    /// It does nothing more than crash.
    var isDoomed = false
    var links: [Int] = []
    /// It saves and ends by itself at SIGTERM; else SIGTERM ends it, in the middle of whatever it writes.
    var handlesTermination = true
    var step: Int64
    /// How many files it has written.
    var saves: Int64 = 0
    var open: Open?
    /// Steps left until it has done its work, once it is well.
    var remaining = 5

    init(tree: Int, order: Action.SpawnOrder, generation: Int) {
        self.tree = tree
        self.order = order
        self.generation = generation
        step = order.resume?.id.step ?? 0
    }
}

/// A connection to the socket.
struct Link {
    enum Owner: Equatable {
        case job
        case `operator`
        /// A process that has nothing to do with the attempt that runs.
        case stranger
    }

    let id: ConnectionID
    let owner: Owner
    let generation: Int
    var isOpen = true
    /// Full of messages that nobody waits for: what is unread when the job dies is never heard.
    var isFlood = false
    /// What is said on it arrives in order.
    var lastDelivery: Int64 = 0
}
