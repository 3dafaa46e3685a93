import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem

/// The job, and the signals that reach us.
extension Conductor {
    func spawn(_ order: Action.SpawnOrder) {
        let more = order.resume.flatMap { session.request.resumeArguments?.words(for: $0) }
        var request = SpawnRequest(
            command: core.record.command + (more ?? []),
            environment: environment.entries(for: order), directory: core.record.directory,
            standardInput: isTerminal(0) ? .null : .inherit,
            // What our starter gave us is the job's, as if we were not between them; ours are CLOEXEC.
            closesOtherDescriptors: false)
        request.pidVariable = session.inherited.sockets == nil ? nil : "LISTEN_PID"
        request.program = session.request.beginning?.program
        request.settings = session.job
        take(.inputSeen(Event.Input(input.now)))
        switchboard?.makeSureOfName()
        do throws(SystemError) {
            try output?.prepare(&request, attempt: order.attempt)
            try request.giveStreams()
            job?.start(request, order)
        } catch {
            takeAfterOutput(.spawnFailed(.refused(error, "the job's output cannot be taken")))
        }
        output?.isGiven()
    }

    /// What an attempt before has read of our standard input is there for the next one.
    func rewindInput(to offset: Int64) {
        do throws(SystemError) {
            try input.moveBack(to: offset)
        } catch {
            take(
                .warned(
                    "standard input cannot be put back to where attempt 1 began to read (\(error)): "
                        + "the job finds the rest of it"))
        }
    }

    func stopWithUs(isTyped: Bool) {
        output?.pause()
        if job?.stopWithUs(isTyped: isTyped) == false { output?.goOn() }
    }

    func goOnWithUs() -> Bool {
        output?.goOn()
        return job?.goOnWithUs() ?? false
    }
}

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
        _ tools: Tools, _ deliver: @escaping (Event) -> Void
    ) throws(SystemError) -> JobOutput? {
        let plan = OutputPlan(session.request)
        if plan.passesNothing, !session.request.tty { return nil }
        let output = try JobOutput(
            session.request, plan, directory: session.store.paths.output, tools: tools, on: loop,
            deliver)
        console.write = { output.say($0) }
        return output
    }

    /// If output passes through us, the attempt is over when the last of it is read.
    func takeAfterOutput(_ event: Event) {
        if case .spawned = event { output?.jobRuns() }
        switch event {
        case .jobExited, .descendantsGone: take(.inputSeen(Event.Input(input.now)))
        default: break
        }
        if case .descendantsGone = event, output != nil { return take(.treeGone) }
        take(event)
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

/// Our end: what the core orders to be passed on before it, and the exit itself.
extension Conductor {
    func flushOutput() {
        guard let output else {
            take(.readersServed)
            return take(.outputFlushed)
        }
        output.flush(attempt: 0) { [unowned self] in take(.outputFlushed) }
    }

    func acknowledge(_ inquiry: Inquiry) {
        guard let inquiries else { return take(.acknowledged) }
        inquiries.acknowledge(inquiry) { [unowned self] in take(.acknowledged) }
    }

    func exit(_ ending: Action.Ending) {
        self.ending = ending
        // What is said from now on has nobody else to say it.
        console.write = writeStandardError
        loop.stop()
    }
}
