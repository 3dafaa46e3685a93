import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// The supervisor's own lines on stderr: few, and one thing each.
final class Console {
    private let verbosity: RunRequest.Verbosity
    private let format: RunRequest.LogFormat
    /// What takes the lines.
    var write: (String) -> Void
    private var lastCommitToldAt: Timestamp?

    init(_ request: RunRequest, write: @escaping (String) -> Void = writeStandardError) {
        verbosity = request.verbosity
        format = request.logFormat
        self.write = write
    }

    /// Commits are told once a minute, unless more is wanted.
    private static let secondsBetweenCommits = 60.0

    /// - Parameter sentence: the event's, or a better one where more is known.
    func tell(_ logged: LoggedEvent, sentence: String?) {
        guard isTold(logged) else { return }
        put(logged, sentence)
    }

    /// A line of our own that is no event of the run.
    ///
    /// - Parameter least: the verbosity from which on it is told.
    func say(_ sentence: String, _ least: RunRequest.Verbosity) {
        if least == .normal, verbosity == .quiet { return }
        if least == .verbose, verbosity != .verbose { return }
        write(line(sentence))
    }

    /// Such a line, with its end, for whoever writes it later.
    func line(_ sentence: String) -> String {
        let now = Timestamp(milliseconds: wallClockNow() / 1_000_000)
        let warning = LoggedEvent(at: now, event: .warning(.init(message: sentence)))
        return text(of: warning, sentence) ?? ""
    }

    /// The last lines of a job, below the line that says that it failed.
    func tell(tail: [String]) {
        guard format == .text, !tail.isEmpty else { return }
        write("supervise: its last output:\n" + tail.map { "    \($0)\n" }.joined())
    }

    private func put(_ logged: LoggedEvent, _ sentence: String?) {
        if let text = text(of: logged, sentence) { write(text) }
    }

    private func text(of logged: LoggedEvent, _ sentence: String?) -> String? {
        switch format {
        case .text: return sentence.map { "supervise: \($0)\n" }
        case .json:
            let line = try? JSONText.encode(logged)
            return line.map { String(decoding: $0, as: UTF8.self) + "\n" }
        }
    }

    private func isTold(_ logged: LoggedEvent) -> Bool {
        switch logged.event {
        case .failed, .hung, .setAside, .rolledBack, .warning, .checkpointFailed, .leftovers,
            .gaveUp, .noticed, .noticeWithdrawn, .restarting, .paused, .unpaused, .logsRemoved,
            .finished(_, error: _?):
            return true
        case .attemptStarted, .stopRequested, .archiveRemoved, .archiveTrimmed, .settled,
            .finished(_, error: nil):
            return verbosity != .quiet
        case .checkpointDropped(let dropped):
            switch dropped.reason {
            case .unfinished: return true
            case .jobEnded, .connectionEnded, .begunAgain: return verbosity != .quiet
            // Where a job saves faster than the disk, this is as usual as a commit.
            case .superseded: return verbosity == .verbose
            }
        case .checkpointCommitted:
            guard verbosity == .normal else { return verbosity == .verbose }
            if let last = lastCommitToldAt {
                // A clock that was set back is no reason to be silent.
                let elapsed = logged.at.seconds(since: last)
                if elapsed >= 0, elapsed < Self.secondsBetweenCommits { return false }
            }
            lastCommitToldAt = logged.at
            return true
        case .requestEnded(let ended):
            switch ended.result {
            case .lost, .unfinished: return true
            case .unanswered: return verbosity != .quiet
            case .moot: return verbosity == .verbose
            }
        case .removed(let removed): return removed.limit != nil || verbosity == .verbose
        case .jobExited, .checkpointRequested, .compressed:
            return verbosity == .verbose
        }
    }
}

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
