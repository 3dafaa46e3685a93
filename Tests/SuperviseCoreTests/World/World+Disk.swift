import SuperviseCore
import SuperviseFormats

/// The two lanes of the disk: records in order, and commits in order of their numbers.
extension World {
    func writeNextRecord() {
        guard !disk.isWritingRecord, !disk.records.isEmpty else { return }
        // Held ones are written with one that somebody waits for.
        if disk.holdsRecords, !disk.records.contains(where: \.confirm) { return }
        disk.isWritingRecord = true
        let slow = !isCalm && chance.happens(plan.recordIsSlow)
        let isLast = disk.records.first?.record.outcome != nil
        put(
            .recordWritten(generation: generation),
            after: chance.wait(0.1, slow ? isLast ? 200_000 : 3_000 : 5))
    }

    func recordWritten() throws(Violation) {
        disk.isWritingRecord = false
        guard let written = disk.records.first else { return }
        if !isCalm, disk.record != nil, chance.happens(plan.recordFails) {
            if chance.happens(0.2) {
                finishOneRecord()
                disk.isVisible = true
            } else {
                disk.records.removeFirst()
            }
            writeNextRecord()
            disk.recordFailed = true
            let isShort = !isCalm && now < shortUntil
            try tell(
                isShort ? .recordRefused("no descriptor") : .recordFailed("no space left on device")
            )
        } else {
            finishOneRecord()
            writeNextRecord()
            let reserved = written.record.attemptsReserved ?? 0
            if disk.recordFailed || reserved > disk.reserved {
                disk.recordFailed = false
                disk.reserved = max(disk.reserved, reserved)
                try tell(.recordWritten(reserved: reserved))
                if supervisor == nil { return }
            }
            if written.confirm {
                try tell(written.record.outcome == nil ? .recorded : .lastRecorded)
            }
        }
    }

    func finishOneRecord() {
        guard !disk.records.isEmpty else { return }
        let written = disk.records.removeFirst()
        disk.record = written.record
        disk.counts = written.counts
        disk.isVisible = false
    }

    func makeStaging(_ id: CheckpointID) {
        if !isCalm, chance.happens(plan.stagingFails) {
            later(.commitFailed(id, .init(.noSpace, "no space")), after: chance.wait(0.1, 100))
            return
        }
        if !isCalm, chance.happens(plan.diskIsFull) {
            later(.diskFull(id, .init(.noSpace, "no space")), after: chance.wait(0.1, 100))
            return
        }
        // The job writes on meanwhile.
        if chance.happens(0.2) { disk.oldLogs = min(3, disk.oldLogs + 1) }
        disk.staging.insert(id)
        disk.stagedFiles = 0
        later(.stagingMade(id, path: "/staging/\(id)"), after: chance.wait(0.1, 100))
    }

    func measure(_ id: CheckpointID) {
        if chance.happens(isCalm ? 1 : 0.4) { disk.stagedFiles += 1 }
        let size = Event.StagingSize(bytes: Int64(disk.stagedFiles) * 10, files: disk.stagedFiles)
        let isSlow = chance.happens(plan.commitIsSlow)
        later(.stagingMeasured(id, size), after: chance.wait(0.1, isSlow ? 10_000 : 200))
    }

    func enqueue(_ pending: Disk.PendingCommit) {
        disk.commits.append(pending)
        commitNext()
    }

    private func commitNext() {
        guard !disk.isCommitting, !disk.commits.isEmpty else { return }
        disk.isCommitting = true
        let slow = chance.happens(plan.commitIsSlow)
        put(.commitDone(generation: generation), after: chance.wait(1, slow ? 100_000 : 300))
    }

    func commitDone() {
        disk.isCommitting = false
        guard let pending = disk.commits.first else { return }
        if let known = repeated(pending) {
            disk.commits.removeFirst()
            later(.notAdded(pending.order.id, .sameAs(known)), after: 1000)
        } else if !isCalm, pending.rule != nil, chance.happens(plan.commitFails) {
            disk.commits.removeFirst()
            later(.notAdded(pending.order.id, .gone), after: 1000)
        } else if !isCalm, chance.happens(plan.commitFails) {
            disk.commits.removeFirst()
            disk.staging.remove(pending.order.id)
            let isWatched = pending.source?.isBelow("/out") == true
            let code: ProtocolError.Code =
                isWatched && chance.happens(0.5)
                ? .conflict : pending.source == nil ? .noSpace : .badPath
            later(.commitFailed(pending.order.id, .init(code, "it failed")), after: 1000)
        } else if !isCalm, chance.happens(plan.diskIsFull) {
            disk.commits.removeFirst()
            later(.diskFull(pending.order.id, .init(.noSpace, "no space")), after: 1000)
        } else if let summary = finishOneCommit() {
            later(.committed(summary, seconds: 300 * chance.share()), after: 1000)
        }
        commitNext()
    }

    @discardableResult
    func finishOneCommit() -> CheckpointSummary? {
        guard !disk.commits.isEmpty else { return nil }
        let pending = disk.commits.removeFirst()
        if let content = content(of: pending) {
            disk.taken[content] = (pending.order.id, pending.source)
        }
        let isPoisoned = !isCalm && chance.happens(plan.poison)
        let poison = isPoisoned ? chance.happens(0.5) ? Disk.Poison.job : .machine : nil
        if isPoisoned { note("\(pending.order.id) IS POISONED") }
        return disk.makeVisible(
            pending.order, by: generation, poison: poison, at: moment.wall)
    }

    /// In bytes; nil where the disk is without an end.
    var freeSpace: Int64? {
        guard plan.diskSize > 0 else { return nil }
        let taken = disk.payloads.values.reduce(0) { $0 + ($1.isCompressed ? 5 : 10) }
        return Int64(max(0, plan.diskSize * 10 - taken - disk.oldLogs * 10))
    }

    func measureSpace() {
        let isTold = isCalm || chance.happens(0.8)
        let free = freeSpace ?? 1 << 40
        later(.freeSpace(isTold ? free : nil), after: chance.wait(0.1, 500))
    }

    func savePins(_ pins: Set<CheckpointID>) {
        let fails = !isCalm && chance.happens(plan.recordFails)
        if !fails { disk.pins = pins }
        later(.pinsSaved(fails ? .init(.io, "it failed") : nil), after: chance.wait(0.1, 500))
    }

    /// What a check of the bytes gives now.
    func inspect(_ id: CheckpointID, trusting: Bool) -> Event.Verification {
        guard let payload = disk.payloads[id] else { return .unreadable("it is not there") }
        if payload.unreadableUntil > now { return .unreadable("input/output error") }
        // Files that this process has hashed, and that look as they did, are not read again.
        let isTrusted = trusting && payload.hashedBy == generation && payload.isRotSilent
        if payload.isRotten && !isTrusted || payload.hasNoManifest {
            return .bad("SHA-256 differs")
        }
        disk.payloads[id]?.hashedBy = generation
        // Restored, and held from now on.
        disk.payloads[id]?.isCompressed = false
        disk.held = id
        return .good(metadata: ["id": .string(id.description)])
    }

    func compressionDone(_ id: CheckpointID) throws(Violation) {
        compressing = nil
        defer { isCompressionCancelled = false }
        if awaitedCompression {
            awaitedCompression = false
            awaitRelease(id)
        }
        if disk.payloads[id] == nil || disk.held == id || isCompressionCancelled
            || chance.happens(plan.readers)
        {
            try tell(.compressed(id, .notNow))
        } else if !isCalm, chance.happens(plan.commitFails) {
            try tell(.compressed(id, .failed("no space left on device")))
        } else {
            disk.payloads[id]?.isCompressed = true
            try tell(.compressed(id, .done(bytes: Int64(chance.number(3...10)))))
        }
    }

    func rotSomething() {
        let visible = disk.visible
        guard !visible.isEmpty else { return }
        if chance.happens(0.3) {
            for id in visible { rot(id) }
        } else {
            rot(visible[chance.number(0...(visible.count - 1))])
        }
    }

    private func rot(_ id: CheckpointID) {
        if chance.happens(0.2) {
            disk.payloads[id]?.hasNoManifest = true
        } else {
            disk.payloads[id]?.isRotten = true
            disk.payloads[id]?.isRotSilent = chance.happens(0.5)
        }
        note("\(id) ROTS")
    }

    func makeUnreadable() {
        guard let id = disk.visible.last else { return }
        disk.payloads[id]?.unreadableUntil = now + chance.wait(100, 30_000)
        note("\(id) IS UNREADABLE FOR A WHILE")
    }
}
