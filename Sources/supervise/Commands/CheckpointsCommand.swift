import SuperviseFormats
import SuperviseHost
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// `supervise checkpoints [NAME] [ACTION] [ID] [DEST]`.
extension CommandCall {
    private enum Action: String {
        case list, show, verify, path, stats, pin, unpin, delete, export

        var takesID: Bool { self != .list && self != .stats }
        var needsID: Bool { self == .unpin || self == .delete || self == .export }
    }

    func checkpoints() throws(Complaint) -> Answer {
        var left = operands[...]
        var name: String?
        // A first word that is an action is one, unless an action follows: then it is a run's name.
        let second = operands.dropFirst().first.flatMap(Action.init)
        if let first = left.first, Action(rawValue: first) == nil || second != nil {
            name = first
            left.removeFirst()
        }
        let word = left.popFirst()
        guard let action = word.map(Action.init(rawValue:)) ?? .list else {
            throw unexpected(word ?? "")
        }
        let id = action.takesID ? left.popFirst() : nil
        let place = action == .export ? left.popFirst() : nil
        if let extra = left.first { throw unexpected(extra) }
        if action.needsID, id == nil || (action == .export && place == nil) {
            let what = action == .export ? "which checkpoint, and where to" : "which checkpoint"
            throw Complaint("say \(what) (\(command.helpCall))")
        }
        let run = try runs.run(name, for: .checkpoints)
        let reader = CheckpointReader(run: run, surroundings: surroundings)
        switch action {
        case .list: return try list(reader)
        case .show:
            let manifest = try reader.manifest(id)
            return values.json
                ? try json(try reader.object(manifest)) : Answer(text: reader.text(manifest))
        case .path:
            let found = try reader.usable(id)
            return values.json
                ? try json(CheckpointReader.Listed(found, isPinned: reader.isPinned(found.id)))
                : Answer(text: "\(found.path)\n")
        case .verify: return try verify(reader, id)
        case .stats:
            let stats = try reader.stats()
            return values.json ? try json(stats) : Answer(text: reader.text(stats))
        case .pin: return try pin(reader, id, isPinned: true)
        case .unpin: return try pin(reader, id, isPinned: false)
        case .delete: return try delete(reader, id)
        case .export: return try export(reader, id, to: place ?? "")
        }
    }

    private func list(_ reader: CheckpointReader) throws(Complaint) -> Answer {
        let found = try reader.scan()
        let pins = reader.pins()
        var answer =
            values.json
            ? try json(
                list: found.checkpoints.lazy.map {
                    CheckpointReader.Listed($0, isPinned: pins?.contains($0.id))
                })
            : Answer(text: reader.table(found, pins: pins ?? []))
        if let note = reader.noteOnPins() { answer.notes.append(note) }
        return answer
    }

    private func verify(_ reader: CheckpointReader, _ id: String?) throws(Complaint) -> Answer {
        let results = try reader.verify(id)
        var answer =
            values.json
            ? try json(results) : Answer(text: reader.text(results, isAll: id == nil))
        answer.status = results.allSatisfy(\.good) ? 0 : Complaint.no
        return answer
    }

    private func pin(
        _ reader: CheckpointReader, _ text: String?, isPinned: Bool
    ) throws(Complaint) -> Answer {
        let id = try reader.named(text, orPinned: !isPinned)
        try CheckpointKeeper(run: reader.run, surroundings: surroundings).pin(id, isPinned)
        if values.json { return try json(CheckpointReader.Pinned(id: id, pinned: isPinned)) }
        return Answer(
            text: isPinned
                ? "checkpoint \(id) is pinned: it stays until supervise checkpoints "
                    + "\(reader.run.name) unpin \(id)\n"
                : "checkpoint \(id) is not pinned\n")
    }

    private func delete(_ reader: CheckpointReader, _ text: String?) throws(Complaint) -> Answer {
        if reader.run.name.isArchived {
            throw Complaint(
                "run \(reader.run.name) is in the archive, of which single checkpoints are not "
                    + "deleted; it goes by --keep-archived, unless something of it is pinned",
                status: Complaint.no)
        }
        let id = try reader.named(text)
        let keeper = CheckpointKeeper(run: reader.run, surroundings: surroundings)
        let pruned = try keeper.delete(id, settings: try recordedSettings(of: reader.run))
        if values.json { return try json(pruned) }
        return Answer(text: "checkpoint \(id) is gone, \(SizeText.format(pruned.bytes))\n")
    }

    private func export(
        _ reader: CheckpointReader, _ text: String?, to place: String
    ) throws(Complaint) -> Answer {
        let id = try reader.summary(text).id
        let path = try surroundings.absolute(place)
        let bytes: Int64
        do throws(StoreError) {
            bytes = try reader.run.store.checkpoints.export(id, to: path)
        } catch {
            throw Complaint("checkpoint \(id): \(error)", status: Complaint.no)
        }
        if values.json {
            return try json(CheckpointReader.Exported(id: id, path: path, bytes: bytes))
        }
        let shown = HumanText.printable(path)
        return Answer(text: "checkpoint \(id), \(SizeText.format(bytes)), verified: \(shown)\n")
    }
}
