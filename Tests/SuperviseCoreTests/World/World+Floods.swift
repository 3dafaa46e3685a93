import SuperviseCore
import SuperviseFormats

/// A job that floods its supervisor over connections of its own, beside what it says otherwise.
extension World {
    func flood(_ job: Job) {
        let first = links.count + 1
        for _ in 0..<chance.number(1...3) {
            let link = newLink(.job)
            links[link]?.isFlood = true
            say(.hello(.init(token: job.order.token)), on: link)
        }
        let last = links.count
        for _ in 0..<chance.number(10...60) {
            say(floodMessage(job), on: chance.number(first...last))
        }
    }

    private func floodMessage(_ job: Job) -> JobMessage {
        let unknown = CheckpointID(sequence: 4242, step: nil)
        return switch chance.number(0...7) {
        case 0: .heartbeat
        case 1: .control(.init(command: "checkpoint"))
        case 2: .hello(.init(token: job.order.token))
        case 3: .commit(.init(id: unknown))
        case 4: .abort(.init(id: job.open?.id ?? unknown))
        case 5: .control(.init(command: "pin", id: unknown))
        case 6: .control(.init(command: "prune"))
        default: .control(.init(command: "status"))
        }
    }

    /// A flood is no part of the story, which must not become shorter by it.
    func isOfFlood(_ happening: Happening) -> Bool {
        switch happening {
        case .message(_, let link, _), .answer(_, let link): links[link]?.isFlood == true
        default: false
        }
    }
}
