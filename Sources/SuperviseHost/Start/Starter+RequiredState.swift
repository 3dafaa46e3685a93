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
    func awaitState(_ paths: RunPaths) throws(StartError) -> Int32? {
        guard request.requiresState else { return nil }
        var awaited = AwaitedState()
        let signals = SignalWait(SignalPlan.ends)
        while let missing = try missingState(paths) {
            switch awaited.missing(at: Conductor.now().instant) {
            case .giveUp: throw StartError.missingState(missing)
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
    func requireState(_ paths: RunPaths) throws(StartError) {
        guard request.requiresState, let missing = try missingState(paths) else { return }
        throw StartError.missingState(missing)
    }

    private func say(_ missing: MissingState) {
        console.say(missing.announcement, .quiet)
        let time = Int(AwaitedState.patience.seconds) + 30
        tellServiceManager(
            "STATUS=\(HumanText.printable(missing.announcement))\nEXTEND_TIMEOUT_USEC=\(time)000000"
        )
    }

    /// A run that is there and begins anew may get another directory of checkpoints.
    private func missingState(_ paths: RunPaths) throws(StartError) -> MissingState? {
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
