import SuperviseCore
import SuperviseFormats
import SuperviseSystem

/// Looks for what the job writes by itself (`--watch`), on a thread of its own: a file system that
/// does not answer holds up nobody, and between two changes nobody wakes up.
final class FileWatch {
    private let lane = WorkerLane(name: "watch", threads: 1)
    private let commands: Mailbox<Command>
    private let events: Mailbox<Event>
    private let answers = FlushAnswers()

    enum Command: Sendable {
        case flush
        case gather(since: Timestamp)
        case again(FilePath, was: ContentMark? = nil)

        var isFlush: Bool {
            switch self {
            case .flush, .gather: true
            case .again: false
            }
        }
    }

    /// Everything below belongs to the lane's thread once it was handed over to it.
    private struct Handover: @unchecked Sendable {
        let loop: EventLoop
        let watcher: Watcher
    }

    /// What is there already is none of the job's: it is looked at before this returns.
    ///
    /// - Parameters:
    ///   - directory: what relative patterns are relative to; an absolute path.
    ///   - complete: what a directory must hold one of; empty asks for nothing.
    ///   - run: serves the events of a loop until it fails.
    ///   - deliver: called on the thread of `loop`.
    /// - Throws: EMFILE, also at the user's limit of inotify instances.
    init(
        _ patterns: [WatchPattern], in directory: String, on loop: EventLoop,
        timing: WatchTiming = .init(), complete: [CompletionPattern] = [],
        run: @escaping @Sendable (EventLoop) throws(SystemError) -> Void = {
            loop throws(SystemError) in try loop.run()
        },
        _ deliver: @escaping (Event) -> Void
    ) throws(SystemError) {
        let mailbox = try Mailbox<Event>(on: loop) { events in
            for event in events { deliver(event) }
        }
        events = mailbox
        let answers = answers
        let own = try EventLoop()
        let watcher = try Watcher(
            patterns, in: directory, on: own, timing: timing, complete: complete
        ) {
            if $0 == .watchFlushed { answers.wasAnswered() }
            mailbox.post($0)
        }
        commands = try Mailbox<Command>(on: own) { commands in
            for command in commands { watcher.obey(command) }
        }
        watcher.start()
        let handover = Handover(loop: own, watcher: watcher)
        lane.submit {
            withExtendedLifetime(handover) {
                do throws(SystemError) {
                    try run(handover.loop)
                } catch {
                    mailbox.post(.warned("files can no longer be watched: \(error)"))
                    for _ in 0..<answers.fail() { mailbox.post(.watchFlushed) }
                }
            }
        }
    }

    /// Answers with ``Event/watchFlushed`` for the first two, also when files can no longer be watched.
    func order(_ command: Command) {
        if command.isFlush, !answers.order() { return events.post(.watchFlushed) }
        commands.post(command)
    }
}
