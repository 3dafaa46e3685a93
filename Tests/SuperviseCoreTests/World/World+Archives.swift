import SuperviseCore
import SuperviseFormats

/// Runs of the same name that were archived before this history.
extension World {
    func makeArchives() {
        for day in 0..<chance.number(0...5) {
            let count = Int64(chance.number(0...6))
            let checkpoints = count == 0 ? [] : (1...count).map { archivedCheckpoint($0) }
            var summary = ArchiveSummary(
                time: "2026090\(day + 1)T000000Z", checkpoints: checkpoints)
            if chance.happens(0.2) { summary.pins = someIDs(of: summary) }
            if chance.happens(0.05) { summary.pins = nil }
            if chance.happens(0.2) {
                for one in checkpoints where chance.happens(0.4) {
                    summary.suspects[one.id.description] = chance.number(1...3)
                }
            }
            disk.archives.append(summary)
        }
    }

    private func archivedCheckpoint(_ number: Int64) -> CheckpointSummary {
        CheckpointSummary(
            id: CheckpointID(sequence: number, step: number), created: moment.wall, bytes: 10,
            metrics: chance.happens(0.7) ? ["loss": Double(chance.number(0...4))] : [:],
            path: "/archive/\(number)")
    }

    private func someIDs(of archive: ArchiveSummary) -> Set<CheckpointID> {
        Set(archive.checkpoints.map(\.id).filter { _ in chance.happens(0.3) })
    }

    /// People pin and unpin, whatever the supervisor does meanwhile.
    func peoplePinArchives() {
        guard !disk.archives.isEmpty, chance.happens(plan.operators) else { return }
        let index = chance.number(0...(disk.archives.count - 1))
        guard disk.archives[index].pins != nil else { return }
        disk.archives[index].pins =
            chance.happens(0.5) ? [] : someIDs(of: disk.archives[index])
    }

    func listArchives() {
        var found = disk.archives
        if let last = found.indices.last { found[last].checkpoints = [] }
        found.shuffle(using: &chance.bits)
        later(.archives(found), after: chance.wait(0.1, 2_000))
    }

    /// Somebody may be reading it, and it may be pinned by now.
    func removeArchive(_ time: String) {
        let index = disk.archives.firstIndex { $0.time == time }
        let isHeld = chance.happens(plan.readers)
        guard let index, !disk.archives[index].isPinned, !isHeld else {
            later(.archiveRemoved(time, bytes: nil), after: chance.wait(0.1, 500))
            return
        }
        disk.archives.remove(at: index)
        later(.archiveRemoved(time, bytes: 1_000), after: chance.wait(0.1, 5_000))
    }

    func trimArchive(_ time: String, _ ids: [CheckpointID]) {
        guard let index = disk.archives.firstIndex(where: { $0.time == time }),
            let pins = disk.archives[index].pins
        else {
            later(.archiveTrimmed(time, gone: [], bytes: 0), after: chance.wait(0.1, 500))
            return
        }
        let gone = ids.filter { !pins.contains($0) && !chance.happens(plan.readers) }
        disk.archives[index].checkpoints.removeAll { gone.contains($0.id) }
        later(
            .archiveTrimmed(time, gone: gone, bytes: Int64(gone.count) * 10),
            after: chance.wait(0.1, 5_000))
    }
}
