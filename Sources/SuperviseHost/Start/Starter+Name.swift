import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// Which run a command means that names none.
extension Starter {
    func runPaths() throws(HostError) -> RunPaths {
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
    ) throws(HostError) -> RunName {
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
    private func found(_ name: RunName) throws(HostError) -> DefaultRun.Found? {
        do throws(StoreError) {
            let store = RunStore(paths(name))
            let record = try wait.perform { () throws(StoreError) in try store.record.load() }
            return record.map {
                .init(isCompleted: $0.outcome?.kind == .completed, created: $0.created)
            }
        } catch {
            if error.isShortage { throw HostError("\(error)") }
            // A record that cannot be read is reported when its run is taken.
            return .init(isCompleted: false, created: Timestamp(milliseconds: 0))
        }
    }
}
