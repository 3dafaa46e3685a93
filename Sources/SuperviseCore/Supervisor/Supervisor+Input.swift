import SuperviseFormats

/// Standard input: what a restarted job finds there.
extension Supervisor {
    /// Before a spawn: the job finds again what an attempt before has read, or people read that it does
    /// not.
    mutating func prepareInput() {
        if let offset = input.rewind { orders.add(.rewindInput(to: offset)) }
        guard input.tellsLoss() else { return }
        orders.log(
            .warning(
                .init(
                    message: "standard input is a pipe: what attempt "
                        + "\((attempt?.number ?? 2) - 1) has read of it does not come again. To let "
                        + "each attempt read all of it: supervise -- COMMAND < FILE")))
    }

    /// It exited with status 0, but had nothing to read that an attempt before had: that completes
    /// nothing, unless it went on from a checkpoint.
    var lacksInput: Bool {
        guard let attempt, attempt.resume == nil, attempt.isAfterAnother else { return false }
        return input.isUsedUp
    }

    mutating func failForInput(at now: Moment) {
        let message =
            "the job exited with status 0, but its standard input, a pipe, was used up by an attempt "
            + "before: the run counts as failed (input_used_up). Give the input as a file, supervise "
            + "-- COMMAND < FILE, or let the job open it by name"
        finish(
            Outcome(kind: .failed, exitCode: 0, reason: .inputUsedUp), .failed(status: 1),
            because: message, at: now)
    }
}
