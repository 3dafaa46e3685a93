import SuperviseCore
import SuperviseFormats

/// What a job wrote by itself and was complete is taken up, once and in order, before anything else
/// is chosen; what may be half written never is. At an end the newest comes first, and an older one
/// never after it.
struct WatchWitness {
    /// Told, and not ordered yet, in their order.
    private var waiting: [WatchedFile] = []
    /// Ordered, and not yet answered.
    private var underWay: (id: CheckpointID, file: WatchedFile, ordered: FilePath)?
    /// Where the file that is under way has been since it was ordered.
    private var placesLeft: [FilePath] = []
    /// Was gone when it was to be taken.
    private var lastGone: WatchedFile?
    private var newestTaken: Instant?
    private var isGathering = false
    private var flushes = 0
    private var wasTerminated = false
    private var leaderHandles = false
    private var isLeaderDone = false
    private var killedAt: Int64?
    private var isLeaderKilled = false

    mutating func judge(
        _ step: Step, _ before: Ledger, _ after: Ledger, _ world: World
    ) throws(Violation) {
        follow(step.event, before, step)
        passOver(step, before)
        try withdraw(step, before)
        for commit in step.supervisor.committing where !before.orders.contains(commit.id) {
            guard commit.watched != nil, let source = commit.added else { continue }
            try judge(commit.order, source, step, before)
        }
        for action in step.actions {
            switch action {
            case .cancelAdd(let id): try judgeCancelled(id, step)
            case .gatherWatched:
                isGathering = true
                flushes += 1
            case .flushWatch: flushes += 1
            case .signalLeader(15): wasTerminated = true
            case .killEverything:
                killedAt = killedAt ?? step.now
                if before.leaderRuns { isLeaderKilled = true }
            case .verify, .spawn:
                if flushes > 0 { throw Violation("watch", "a choice before all was told") }
                if let file = waiting.first, !isAbandoned(step) {
                    throw Violation("watch", "a choice while \(file.path) waits")
                }
                isGathering = false
                waiting = []
                forgetAttempt()
            default: break
            }
        }
        try judgeWaiting(step, after)
    }

    /// One that waits behind other orders gives way to a newer one at once.
    private mutating func withdraw(_ step: Step, _ before: Ledger) throws(Violation) {
        guard let underWay, step.supervisor.commits[underWay.id] == nil, step.exit == nil else {
            return
        }
        if before.given.contains(underWay.id) {
            throw Violation("watch", "\(underWay.id) is forgotten, and the disk works on it")
        }
        try judgeCancelled(underWay.id, step)
        self.underWay = nil
        putFirst(underWay.file)
    }

    private mutating func forgetAttempt() {
        newestTaken = nil
        lastGone = nil
        wasTerminated = false
        leaderHandles = false
        isLeaderDone = false
        killedAt = nil
        isLeaderKilled = false
    }

    private mutating func follow(_ event: Event, _ before: Ledger, _ step: Step) {
        switch event {
        case .watched(let files):
            for file in files where isMeant(file, before, step) {
                waiting.removeAll { $0.path == file.path }
                waiting.append(file)
                if lastGone?.path == file.path { lastGone = nil }
            }
        case .watchFlushed:
            flushes -= 1
            isLeaderDone = true
        case .handlersFound(.leader, let handles): leaderHandles = handles
        case .watchedRenamed(let old, let new): rename(old, new)
        case .payloadMoved(let old, let new):
            if underWay?.file.path == new { placesLeft.append(old) }
            guard let newest = step.supervisor.checkpoints.last, newest.path == old.text,
                step.settings.watchMode.leavesOriginal
            else { break }
            var file = WatchedFile(
                path: new, step: nil, completedAt: Instant(nanoseconds: step.now), wasMoved: true)
            file.repeats = newest.id
            putFirst(file)
        case .committed(let summary, _):
            if let underWay, summary.id == underWay.id {
                if !underWay.file.isRepeat {
                    newestTaken = max(
                        newestTaken ?? underWay.file.completedAt, underWay.file.completedAt)
                }
                if placesLeft.contains(FilePath(summary.path)),
                    step.settings.watchMode.leavesOriginal, !underWay.file.isRepeat
                {
                    var file = underWay.file
                    file.repeats = summary.id
                    putFirst(file)
                }
                self.underWay = nil
            }
        case .commitFailed(let id, let error):
            guard let underWay, id == underWay.id else { break }
            self.underWay = nil
            guard error.code == .conflict else { break }
            if underWay.file.path != underWay.ordered {
                putFirst(underWay.file)
            } else {
                lastGone = underWay.file
            }
        case .notAdded(let id, let reason):
            guard var file = underWay?.file, id == underWay?.id else { break }
            let isRenamed = file.path != underWay?.ordered
            underWay = nil
            if reason == .gone {
                if isRenamed { putFirst(file) } else { lastGone = file }
            }
            if case .sameAs(let known) = reason, step.settings.watchMode.leavesOriginal,
                !file.isRepeat, !waiting.contains(where: { $0.path == file.path })
            {
                file.repeats = known
                waiting.insert(file, at: 0)
            }
            if reason == .cancelled, !waiting.contains(where: { $0.path == file.path }) {
                waiting.insert(file, at: 0)
            }
        default: break
        }
        if let id = underWay?.id, step.withoutRoom.contains(id) { underWay = nil }
    }

    private mutating func putFirst(_ file: WatchedFile) {
        if !waiting.contains(where: { $0.path == file.path }) { waiting.insert(file, at: 0) }
    }

    private mutating func rename(_ old: FilePath, _ new: FilePath) {
        if underWay?.file.path == old { underWay?.file.path = new }
        if var file = lastGone, file.path == old {
            lastGone = nil
            file.path = new
            if let newestTaken, file.completedAt <= newestTaken { return }
            return putFirst(file)
        }
        guard let index = waiting.firstIndex(where: { $0.path == old }) else { return }
        var file = waiting.remove(at: index)
        file.path = new
        waiting.removeAll { $0.path == new }
        waiting.insert(file, at: min(index, waiting.count))
    }

    private func isLast(_ step: Step, _ before: Ledger) -> Bool {
        if before.isEnding { return true }
        if case .ending = step.supervisor.phase { return true }
        return step.supervisor.stop != nil
    }

    private mutating func passOver(_ step: Step, _ before: Ledger) {
        let isBusy = step.supervisor.committing.contains { $0.watched?.isRepeat != true }
        let newest = isBusy ? nil : step.supervisor.checkpoints.last?.id
        waiting.removeAll { $0.isRepeat && $0.repeats != newest }
        guard isLast(step, before) else { return }
        if let newestTaken {
            waiting.removeAll { !$0.isRepeat && $0.completedAt <= newestTaken }
        }
        if waiting.contains(where: { !$0.isRepeat }) { waiting.removeAll(where: \.isRepeat) }
    }

    private func isMeant(_ file: WatchedFile, _ before: Ledger, _ step: Step) -> Bool {
        if file.wasMoved { return before.leaderRuns || isGathering || before.isEnding }
        if isGathering { return false }
        if let killedAt, file.completedAt.nanoseconds >= killedAt { return false }
        if before.leaderRuns { return true }
        guard before.isEnding, let end = before.lastExit else { return false }
        // All descendants of this world handle SIGTERM.
        if isLeaderDone {
            return step.supervisor.attempt?.lastCloses.descendantsHandleTermination == true
        }
        switch end {
        case .exited(let code): return code == 0 || step.supervisor.stop != nil
        case .signaled(9, _): return isLeaderKilled
        case .signaled(15, _):
            guard step.supervisor.stop != nil, wasTerminated else { return false }
            return leaderHandles || isBeforeTermination(file, step)
        case .signaled: return false
        }
    }

    private func isBeforeTermination(_ file: WatchedFile, _ step: Step) -> Bool {
        step.supervisor.attempt?.lastCloses.terminatedAt.map { file.completedAt < $0 } == true
    }

    private mutating func judge(
        _ order: CommitOrder, _ source: Action.Source, _ step: Step, _ before: Ledger
    ) throws(Violation) {
        if source.path == "/out/half" {
            throw Violation("2", "a file is taken that its writer's death has closed")
        }
        let next =
            isLast(step, before)
            ? waiting.indices.max {
                (waiting[$0].completedAt, $0) < (waiting[$1].completedAt, $1)
            } : waiting.indices.first
        guard let next, waiting[next].path == source.path else {
            throw Violation("watch", "\(source.path) is taken, and \(waiting) waits")
        }
        if let underWay { throw Violation("watch", "\(order.id) beside \(underWay.id)") }
        if source.mode != step.settings.watchMode {
            throw Violation("watch", "it is taken as \(source.mode)")
        }
        if isLast(step, before), let newestTaken, !waiting[next].isRepeat,
            waiting[next].completedAt <= newestTaken
        {
            throw Violation("watch", "\(source.path) is older than one that was taken")
        }
        underWay = (order.id, waiting.remove(at: next), source.path)
        placesLeft = []
    }

    private func judgeCancelled(_ id: CheckpointID, _ step: Step) throws(Violation) {
        guard let underWay, underWay.id == id, step.supervisor.stop != nil,
            waiting.contains(where: {
                !$0.isRepeat
                    && (underWay.file.isRepeat || $0.completedAt > underWay.file.completedAt)
            })
        else { throw Violation("watch", "\(id) is cancelled, and no newer one waits") }
    }

    private func judgeWaiting(_ step: Step, _ after: Ledger) throws(Violation) {
        guard let file = waiting.first, step.exit == nil, underWay == nil, after.open == nil,
            !isAbandoned(step), !step.supervisor.committing.contains(where: \.waitsForRoom)
        else { return }
        throw Violation("liveness", "\(file.path) is complete, and nobody takes it")
    }

    private func isAbandoned(_ step: Step) -> Bool {
        if case .ending(let ending) = step.supervisor.phase { return ending.commitsAbandoned }
        return step.supervisor.stop != nil
    }
}
