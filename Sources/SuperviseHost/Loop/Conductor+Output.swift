import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem

extension Event.Input {
    init(_ input: StandardInput.State) {
        self =
            switch input {
            case .file(let offset): .file(offset: offset)
            case .pipe(let waiting, let isOpen): .pipe(waiting: waiting, isOpen: isOpen)
            case .other: .other
            }
    }
}

/// What the job writes, where it passes through us, and the files that it writes by itself.
extension Conductor {
    func passOutput(
        _ timers: TimerTable, _ tools: Tools, _ deliver: @escaping (Event) -> Void
    ) throws(SystemError) -> JobOutput? {
        let plan = OutputPlan(session.request)
        if plan.passesNothing, !session.request.tty { return nil }
        let output = try JobOutput(
            session.request, plan, directory: session.store.paths.output, tools: tools, on: loop,
            timers: timers, deliver)
        console.write = { output.say($0) }
        return output
    }

    /// The last that an attempt wrote is known before it is told that the attempt is over.
    func takeAfterOutput(_ event: Event) {
        if case .spawned = event { output?.jobRuns() }
        switch event {
        case .spawned, .spawnFailed: letStart(false)
        default: break
        }
        switch event {
        case .jobExited, .descendantsGone: take(.inputSeen(Event.Input(input.now)))
        default: break
        }
        guard case .descendantsGone = event else { return take(event) }
        guard let output else { return take(event) }
        output.end(attempt: core.record.attempt) { [unowned self] tail in
            take(.outputTail(tail))
            take(event)
        }
    }

    func watchFiles(
        _ job: JobProcess, _ deliver: @escaping (Event) -> Void
    ) throws(SystemError) -> FileWatch? {
        let settings = session.request.settings
        guard !settings.watch.isEmpty else { return nil }
        return try FileWatch(
            settings.watch, in: core.record.directory, on: loop,
            timing: .init(directory: settings.watchSettle), complete: settings.watchComplete
        ) { event in
            // What was closed because the job died is not told before its death.
            job.reap()
            deliver(event)
        }
    }
}
