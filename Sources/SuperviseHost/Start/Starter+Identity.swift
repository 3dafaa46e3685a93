import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// Whether what is there under the run's name is this run: the same command, and the same directory of
/// state.
extension Starter {
    func compare(_ old: RunRecord) -> CommandMatch {
        CommandMatch(
            recorded: .init(command: old.command, directory: old.directory),
            given: .init(command: request.command, directory: request.directory),
            directory: directory(of: old), isAdopted: request.adopt)
    }

    private func directory(of old: RunRecord) -> CommandMatch.Directory {
        if old.directory.utf8.elementsEqual(request.directory.utf8) { return .same }
        guard old.host == hostName() else { return .elsewhere }
        do throws(SystemError) {
            guard let recorded = try identity(old.directory) else { return .gone }
            return recorded == (try identity(request.directory)) ? .same : .other
        } catch {
            return .unknown("\(HumanText.printable(error.subject)): \(errorText(error.code))")
        }
    }

    /// Where links lead; nil where no directory is.
    private func identity(_ path: String) throws(SystemError) -> DirectoryID? {
        do throws(SystemError) {
            let found = try Disk().status(try Disk().resolved(path))
            guard found.kind == .directory else { return nil }
            return DirectoryID(device: found.device, inode: found.inode)
        } catch {
            guard error.isMissing || error.isNoDirectory else { throw error }
            return nil
        }
    }

    /// - Throws: where the run's processes live, and are another directory's.
    func inquire(_ store: RunStore, _ old: RunRecord) throws(StartError) -> StateOrigin {
        let origin = try wait.explaining { () throws(StoreError) in
            try OriginInquiry(store, old).answer()
        }
        if case .refused = origin.verdict {
            throw StartError.otherOrigin(origin, old, store.paths.name)
        }
        return origin
    }

    func hasLeftovers(
        _ old: RunRecord?, _ origin: StateOrigin?
    ) throws(StartError) -> Bool {
        guard let old, let origin, origin.verdict == .here else { return false }
        if case .found(let found) = origin.processes, !found.isEmpty { return true }
        return old.mayHaveLeftovers(bootID: try? bootId())
    }

    /// Which checkpoints may not take with them what they own outside, as the original of a copy owns it.
    func sharedThrough(
        _ old: RunRecord?, _ origin: StateOrigin?, _ payload: PayloadHolder.HeldPayload?
    ) -> Int64? {
        let known = [old?.sharedThrough, payload?.tenancy.owner?.sharedThrough]
        let isCopy = origin?.verdict == .copied || payload?.tenancy.verdict == .copied
        return (known + [isCopy ? old?.sequence : nil]).compactMap { $0 }.max()
    }
}

/// Which run a command means that names none.
extension Starter {
    func runPaths() throws(StartError) -> RunPaths {
        if let name = request.name { return paths(name) }
        let usual = standardName(in: request.directory)
        guard let other = request.otherDirectory else { return paths(usual) }
        let name = try choose(usual, standardName(in: other), in: other)
        return paths(name)
    }

    private func paths(_ name: RunName) -> RunPaths {
        RunPaths(
            stateDirectory: request.stateDirectory, name: name,
            checkpointRoot: request.checkpointDirectory)
    }

    private func standardName(in directory: String) -> RunName {
        let words = [directory] + request.command
        let hash = Digest.of(Array(joined(words, with: "\0").utf8)).hex
        return RunName.standard(for: request.command, hash: hash)
    }

    private func choose(
        _ usual: RunName, _ second: RunName, in other: String
    ) throws(StartError) -> RunName {
        let choice = DefaultRun(usual: try found(usual), second: try found(second))
        let name = choice.takesSecond ? second : usual
        if choice.areBothUnfinished {
            let left = choice.takesSecond ? usual : second
            let go = HumanText.commandLine(
                ["supervise", "resume", left.description] + request.placeOption)
            console.say(
                "runs \(usual) and \(second) of this command are both unfinished, one by each path of "
                    + "this directory; going on with \(name), the newer one; the other one: \(go)",
                .normal)
        } else if choice.takesSecond {
            console.say(
                "going on with run \(name), which was begun by the path "
                    + "\(HumanText.printable(other))", .normal)
        }
        return name
    }

    /// nil where there is no such run.
    private func found(_ name: RunName) throws(StartError) -> DefaultRun.Found? {
        do throws(StoreError) {
            let store = RunStore(paths(name))
            let record = try wait.perform { () throws(StoreError) in try store.record.load() }
            return record.map {
                .init(isCompleted: $0.outcome?.kind == .completed, created: $0.created)
            }
        } catch {
            if error.isShortage { throw StartError.store(error) }
            // A record that cannot be read is reported when its run is taken.
            return .init(isCompleted: false, created: Timestamp(milliseconds: 0))
        }
    }
}
