import SuperviseFormats
import SuperviseHost
import SuperviseStore
import SuperviseSystem

/// `supervise checkpoints [NAME] [list|show|verify|path] [ID]`.
extension CommandCall {
    private enum Action: String { case list, show, verify, path }

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
        let id = action == .list ? nil : left.popFirst()
        if let extra = left.first { throw unexpected(extra) }
        let reader = CheckpointReader(
            run: try runs.run(name, for: .checkpoints), surroundings: surroundings)
        switch action {
        case .list:
            let found = try reader.scan()
            return values.json
                ? try json(found.checkpoints.map(CheckpointReader.Listed.init))
                : Answer(text: reader.table(found))
        case .show:
            let manifest = try reader.manifest(id)
            return values.json
                ? try json(try reader.object(manifest)) : Answer(text: reader.text(manifest))
        case .path:
            let found = try reader.usable(id)
            return values.json
                ? try json(CheckpointReader.Listed(found)) : Answer(text: "\(found.path)\n")
        case .verify:
            let results = try reader.verify(id)
            var answer =
                values.json
                ? try json(results) : Answer(text: reader.text(results, isAll: id == nil))
            answer.status = results.allSatisfy(\.good) ? 0 : Complaint.no
            return answer
        }
    }
}
