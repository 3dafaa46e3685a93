import SuperviseCore
import SuperviseFormats
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
        letStart(true)
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

    /// While a job is started, records wait, but not long.
    func letStart(_ isStarting: Bool) {
        disk?.giveWay(isStarting)
        if isStarting {
            timers?.set(.records, at: Self.now().instant + ShellBounds.recordsDuringExec)
        } else {
            timers?.cancel(.records)
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
