/// The processes of one attempt: its leader and what that started.
struct Tree {
    struct Descendant {
        var isAlive = true
        var ignoresSigterm: Bool
        /// Not even SIGKILL ends it before.
        var unkillableUntil: Int64
    }

    let generation: Int
    let attempt: Int
    var leaderIsAlive = true
    var leaderUnkillableUntil: Int64 = 0
    /// SIGKILL is out: what still lives does nothing more.
    var isCondemned = false
    var descendants: [Descendant] = []
    /// The supervisor waits to hear that the descendants are gone.
    var isAwaited = false

    var isAlive: Bool { leaderIsAlive || descendants.contains(where: \.isAlive) }
}
