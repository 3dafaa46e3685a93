extension Status {
    /// What the record tells of a run that has no readable status. Knows nothing of its checkpoints.
    package init(_ record: RunRecord) {
        let started = record.current?.started ?? record.created
        self.init(
            name: record.name, phase: record.outcome == nil ? .starting : .finished,
            command: record.command, supervisorPID: record.supervisorPID, attempt: record.attempt,
            started: started, updated: started)
        take(record)
        totals = record.totals
        outcome = record.outcome
    }

    /// Takes over who was at work on which attempt, and what had failed before.
    package mutating func take(_ record: RunRecord) {
        supervisorPID = record.supervisorPID
        attempt = record.attempt
        failures = record.failures.withoutProgress
        lastFailure = record.failures.last
        resumedFrom = record.current?.resumedFrom
    }
}
