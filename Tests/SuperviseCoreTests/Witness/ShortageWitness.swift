import SuperviseCore
import SuperviseFormats

/// A disk that the job finds full: if removing could end that, the job is asked again only once it
/// can save, and no more goes than that takes.
struct ShortageWitness {
    /// Of every checkpoint in this world, in bytes.
    private static let wanted: Int64 = 10

    func judge(_ step: Step, _ world: World) throws(Violation) {
        guard case .freeSpace(let free) = step.event else { return }
        let removed = step.actions.flatMap { action -> [CheckpointID] in
            if case .remove(let ids) = action { ids } else { [] }
        }
        let newest = step.supervisor.checkpoints.last
        let wanted = newest?.compressedBytes ?? Self.wanted
        let asks = step.actions.contains {
            if case .log(.checkpointRequested) = $0 { true } else { false }
        }
        if asks, let free, free < wanted, hasMore(step, world) {
            throw Violation("room", "the job is asked again, and only \(free) bytes are free")
        }
        guard !removed.isEmpty else { return }
        // As the supervisor knows them: one that was just compressed is answered later.
        let known = step.supervisor.leaving
        let sizes = removed.map { id in
            known.first { $0.id == id }.map { $0.compressedBytes ?? $0.bytes } ?? Self.wanted
        }
        let needed = free.map { $0 < wanted ? wanted - $0 : wanted } ?? wanted
        if sizes.dropLast().reduce(0, +) >= needed {
            throw Violation("room", "\(removed) go for \(needed) bytes")
        }
        if sizes.reduce(0, +) < needed, hasMore(step, world) {
            throw Violation("room", "only \(removed) go for \(needed) bytes")
        }
    }

    /// Some of those that are left could go as well.
    private func hasMore(_ step: Step, _ world: World) -> Bool {
        let supervisor = step.supervisor
        guard supervisor.pinning.isEmpty, supervisor.record.failures.suspects.isEmpty else {
            return false
        }
        return supervisor.checkpoints.map(\.id).dropLast().contains {
            !world.disk.pins.contains($0) && $0 != supervisor.attempt?.resume?.id
        }
    }
}
