import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseText

/// The sentence for an event, with what is known of the run around it.
enum Narrator {
    static func sentence(for event: RunEvent, session: Session, status: Status?) -> String {
        let name = session.found.record.name
        switch event {
        case .attemptStarted(let start) where start.attempt == session.found.record.attempt + 1:
            return EventText.start(start, of: name, state: session.shownState)
        case .hung(let hung):
            return EventText.hungAndKilled(hung, state: session.shownState)
        case .finished(let outcome, error: nil):
            return EventText.ending(
                outcome, of: name, progress: status?.progress ?? .init(),
                notice: status?.preemption?.notice,
                isLost: status?.finalCheckpointLost == true,
                unfinished: status?.unfinished ?? [], givenUp: status?.givenUp,
                at: session.request.placeOption)
        default:
            return EventText.sentence(for: event)
        }
    }
}

extension Session {
    /// The run's directory as a person writes it.
    fileprivate var shownState: String {
        let path = store.paths.run
        let home = environment.last { $0.0 == "HOME" }?.1
        guard let home, home != "/", let below = FilePath(path).below(FilePath(home)) else {
            return path
        }
        return "~/\(below)"
    }
}
