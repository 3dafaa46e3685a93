import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// `--require-state`: a start that begins nothing where the run's directory is not there.
extension Starter {
    /// Waits for the run's directory, as its disk may be mounted later.
    ///
    /// Signals have no handler yet. As PID 1 we would even be deaf to them: so they are taken here.
    ///
    /// - Returns: the signal that ended the wait; nil if all is there.
    /// - Throws: what is missing, and what to do.
    func awaitState(_ paths: RunPaths) throws(HostError) -> Int32? {
        guard request.requiresState else { return nil }
        var awaited = AwaitedState()
        let signals = SignalWait(SignalPlan.ends)
        while let missing = try missingState(paths) {
            switch awaited.missing(at: Conductor.now().instant) {
            case .giveUp: throw HostError(missing.refusal)
            case .wait(let pause, let isFirst):
                if isFirst { say(missing) }
                if let signal = signals.next(within: pause) {
                    console.say(
                        "\(signalName(signal)): no longer waiting for \(missing.shown)", .normal)
                    return signal
                }
            }
        }
        return nil
    }

    /// Looks once more, as under the lock nobody else changes it.
    func requireState(_ paths: RunPaths) throws(HostError) {
        guard request.requiresState, let missing = try missingState(paths) else { return }
        throw HostError(missing.refusal)
    }

    private func say(_ missing: MissingState) {
        console.say(missing.announcement, .quiet)
        let time = Int(AwaitedState.patience.seconds) + 30
        tellServiceManager(
            "STATUS=\(HumanText.printable(missing.announcement))\nEXTEND_TIMEOUT_USEC=\(time)000000"
        )
    }

    /// A run that is there and begins anew may get another directory of checkpoints.
    private func missingState(_ paths: RunPaths) throws(HostError) -> MissingState? {
        try wait.explaining { () throws(StoreError) in
            let store = RunStore(paths)
            guard try store.isThere() else {
                // One that was put aside to begin anew: its disk is there.
                let isPutAside = try !store.archives.list().isEmpty
                return isPutAside ? nil : MissingState(paths, paths.run)
            }
            // A record that cannot be read is reported later.
            let record = try? store.record.load()
            if let record, request.fresh || record.outcome?.kind == .completed { return nil }
            let all = record.map { pathsOfRecord($0, paths) } ?? paths
            guard try !RunStore(all).hasPayloadDirectory() else { return nil }
            return MissingState(paths, all.payload)
        }
    }
}

/// A directory of a run that a start requires, and that is not there.
private struct MissingState {
    private let paths: RunPaths
    private let path: String

    init(_ paths: RunPaths, _ path: String) {
        self.paths = paths
        self.path = path
    }

    var shown: String { HumanText.printable(path) }

    private var what: String {
        path == paths.run
            ? "the directory of run \(paths.name)" : "the directory of its checkpoints"
    }

    var announcement: String {
        let limit = HumanText.limit(AwaitedState.patience.seconds)
        return "\(what), \(shown), is not there: its disk may not be mounted yet; waiting up to "
            + "\(limit) for it (--require-state)"
    }

    var refusal: String {
        "\(what), \(shown), is not there, and --require-state begins nothing without it: its disk may "
            + "not be mounted; mount it, or, only for a new run: \(cure)"
    }

    private var cure: String {
        guard path == paths.run else { return HumanText.commandLine(["mkdir", "-p", path]) }
        var words = ["supervise", "init", "\(paths.name)", "--state-dir", paths.stateDirectory]
        if paths.isSplit { words += ["--checkpoint-dir", paths.payloadRoot] }
        return HumanText.commandLine(words)
    }
}
