import SuperviseCore
import SuperviseFormats

/// People who read checkpoints, each for a time, and what is compressed: neither can be removed meanwhile.
extension World {
    /// Some are being read by somebody, and stay; some the disk does not let go of.
    func remove(_ ids: [CheckpointID]) {
        for id in ids where chance.happens(plan.readers) {
            let isLong = chance.happens(0.2)
            let end = now + chance.wait(1, isLong ? 300_000 : 2_000)
            disk.readUntil[id] = max(end, disk.readUntil[id] ?? 0)
        }
        let held = ids.filter(isHeld)
        var gone = ids.filter { !held.contains($0) }
        let wait = chance.wait(0.1, 500)
        if !isCalm, !gone.isEmpty, chance.happens(plan.commitFails * 0.1) {
            later(.removalFailed([gone.removeLast()]), after: wait)
        }
        for id in gone { disk.payloads[id] = nil }
        later(.removed(gone, held: held), after: wait)
    }

    private func isHeld(_ id: CheckpointID) -> Bool {
        compressing == id || disk.readUntil[id, default: 0] > now
    }

    func awaitRelease(_ id: CheckpointID) {
        let end = max(now, disk.readUntil[id] ?? 0)
        put(.readerEnds(id, generation: generation), after: end - now + chance.wait(0.1, 5))
    }

    func readerEnds(_ id: CheckpointID) throws(Violation) {
        if compressing == id {
            awaitedCompression = true
        } else if isHeld(id) {
            // Somebody else has begun to read it.
            awaitRelease(id)
        } else {
            try tell(.released(id))
        }
    }

    /// Old output and old events, each as large as a checkpoint.
    func removeLogs(_ bytes: Int64?) {
        let wanted = bytes.map { Int(($0 + 9) / 10) } ?? disk.oldLogs
        let count = min(wanted, disk.oldLogs)
        disk.oldLogs -= count
        later(
            .logsRemoved(.init(outputFiles: count, bytes: Int64(count) * 10)),
            after: chance.wait(0.1, 500))
    }
}
