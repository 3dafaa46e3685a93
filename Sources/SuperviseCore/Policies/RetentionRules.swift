import SuperviseFormats

/// What the options say about which checkpoints stay. Each rule counts each branch by itself, and a
/// checkpoint that any rule keeps is kept; then the two limits remove the oldest of what is left.
package struct RetentionRules: Equatable, Sendable {
    /// How many of the newest stay; at least 1.
    package var keepLast = 5
    package var keepBest: Best?
    /// The first at or after each multiple of so many steps stays; at least 1.
    package var keepEvery: Int?
    /// The newest of each of the last so many hours, days and weeks (UTC, from Monday) that have
    /// one stays; at least 1.
    package var keepHourly: Int?
    package var keepDaily: Int?
    package var keepWeekly: Int?
    /// What is older than the newest by more than this goes.
    package var maxAge: Duration?
    /// The oldest go until all together have no more bytes than this.
    package var maxBytes: Int64?

    /// Those with the best values of a metric stay.
    package struct Best: Equatable, Sendable {
        package var count: Int
        package var metric: String
        package var goal: Goal

        package enum Goal: String, Sendable { case min, max }

        package init(count: Int, metric: String, goal: Goal) {
            self.count = count
            self.metric = metric
            self.goal = goal
        }
    }

    package init() {}
}

/// What must stay, whatever the rules and the limits say.
package struct Protection: Equatable, Sendable {
    /// nil where it cannot be told which are pinned: then none goes.
    package var pinned: Set<CheckpointID>?
    /// What the job resumed from, or is about to.
    package var resumed: Set<CheckpointID>
    /// Those that failed so often that they are not good: the newest good one is another.
    package var suspects: Set<CheckpointID>

    package init(
        pinned: Set<CheckpointID>? = [], resumed: Set<CheckpointID> = [],
        suspects: Set<CheckpointID> = []
    ) {
        self.pinned = pinned
        self.resumed = resumed
        self.suspects = suspects
    }
}
