import SuperviseFormats

/// What comes of a commit: a checkpoint that is durable, and what leaves for it, or a failure.
extension Supervisor {
    mutating func committed(_ summary: CheckpointSummary, seconds: Double, at now: Moment) {
        guard let commit = commits.finish(summary.id) else { return }
        kept.insert(summary)
        watch.committed(summary.id, from: commit.source)
        room.startAnew()
        if commit.watched?.isRepeat == true {
            history.committedAgain()
            attempt?.continues(summary.id)
        } else {
            countCommit(summary.id, securedAt: commit.securedAt)
        }
        if let file = commit.watched {
            // After this one, older ones would get higher numbers.
            watch.wasTaken(file)
            passOverOlderFiles()
            if commit.placesLeft.contains(FilePath(summary.path)) {
                watch.takeBeside(file, summary.id)
            }
        }
        attempt?.hang.stepped(to: summary.id.step, at: now.counted)
        measure(commit, seconds: seconds)
        requestBook.answerLate(commit.request)
        let wire = SupervisorMessage.committed(
            .init(id: summary.id, path: summary.path, bytes: summary.bytes, seconds: seconds))
        commit.sender.map { orders.answer(wire, to: $0) }
        orders.log(
            .checkpointCommitted(
                .init(
                    id: summary.id, bytes: summary.bytes, seconds: seconds,
                    reason: commit.reason, request: commit.request)))
        if commit.request == nil, commit.watched?.isRepeat != true { saves.wasCommitted() }
        let request = requestBook.close(commit.request, &orders)
        if let request {
            requestBook.wasCommitted()
            for sender in request.operators { orders.answer(wire, to: sender) }
        }
        let again = room.takeAgain(commit.request)
        for sender in again?.operators ?? [] { orders.answer(wire, to: sender) }
        // Before anything is chosen, it is not known which one will be needed.
        if phase != .gathering { removeByRules() }
        orders.add(.record(record, confirm: false))
        startInterval(at: now)
        if request?.final == true || again?.final == true {
            finalRequestEnded(made: true, at: now)
        }
        concludeIfOver(at: now)
    }

    /// - Parameter seconds: from the request, or `begin`, until it was durable.
    private mutating func measure(_ commit: Committing, seconds: Double) {
        guard let saving = commit.saving else {
            history.measure(cost: seconds)
            return
        }
        history.measure(
            cost: saving.held + max(0, seconds - commit.order.secondsSoFar), whole: seconds,
            wait: saving.wait)
    }

    private mutating func countCommit(_ id: CheckpointID, securedAt: Instant) {
        attempt?.committed(id, state: securedAt)
        if history.committed(step: id.step, resumed: attempt?.resume?.id) {
            attempt?.madeProgress()
        }
    }

    mutating func commitFailed(_ id: CheckpointID, _ error: ProtocolError, at now: Moment) {
        if let open = saves.open, open.id == id {
            saves.close()
            if let begin = open.begin { orders.answer(.error(error), to: begin) }
            saveFailed(id, request: open.request, error, at: now)
        } else if let commit = commits.drop(id) {
            commit.sender.map { orders.answer(.error(error), to: $0) }
            if let file = commit.watched, error.code == .conflict, commit.isRenamed {
                // Only the name has changed: the file keeps its place in the order.
                watch.putFirst(file)
                reopen(commit.request, at: now)
            } else if let file = commit.watched, error.code == .conflict {
                changedMeanwhile(file, request: commit.request, at: now)
            } else {
                saveFailed(id, request: commit.request, error, at: now)
            }
            concludeIfOver(at: now)
        }
    }

    private mutating func saveFailed(
        _ id: CheckpointID, request number: Int?, _ error: ProtocolError, at now: Moment
    ) {
        orders.log(.checkpointFailed(.init(id: id, request: number, error: error.message)))
        if number == nil { countOwnFailure(id, error.message, at: now) }
        let request = requestBook.close(number, &orders)
        if let request {
            requestBook.hasFailed()
            // After a failed fsync the same files must not be synced again; the job may save anew.
            if error.code == .noSpace,
                suspectShortage(isTold: true, request: request, error: error)
            {
                return startInterval(at: now)
            }
            orders.refuse(request.operators, error)
        }
        startInterval(at: now)
        if request?.final == true { finalRequestEnded(made: false, at: now) }
    }
}
