import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// The program and the variables of the job: recorded at a start, and used again by `resume`.
extension Starter {
    /// The run's own beginning where it is resumed, else what the caller has now.
    func beginning(_ inherited: [(String, String)]) -> RunRequest.Beginning {
        request.beginning
            ?? .init(
                program: program(inherited),
                environment: KeptEnvironment(alsoKeeping: request.keptVariables, of: inherited))
    }

    /// The environment of the job, which `--env` and the protocol add to. Reports what differs from the
    /// caller's.
    func environment(
        of beginning: RunRequest.Beginning, _ inherited: [(String, String)]
    ) -> [(String, String)] {
        guard request.beginning != nil else { return inherited }
        let names = beginning.environment.differences(from: inherited)
        if !names.isEmpty {
            console.say(
                "the job gets \(joined(names, with: ", ")) as the run began with, not as here; to "
                    + "change that, call its command again in place of resume", .normal)
        }
        return beginning.environment.applied(to: inherited)
    }

    /// The absolute path of the command's program; nil where it is not found.
    private func program(_ inherited: [(String, String)]) -> String? {
        guard let word = request.command.first, !word.isEmpty else { return nil }
        if word.utf8.contains(UInt8(ascii: "/")) { return absolute(word) }
        let given = request.job.environment.last { $0.hasPrefix("PATH=") }
        let path = given.map { String($0.dropFirst(5)) } ?? inherited.first { $0.0 == "PATH" }?.1
        let places = path?.split(separator: ":", omittingEmptySubsequences: false)
            .map { absolute(String($0)) }
        return pathOfProgram(word, in: places.map { joined($0, with: ":") })
    }

    /// A path as the job, which works in its directory, understands it.
    private func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        return path.isEmpty ? request.directory : "\(request.directory)/\(path)"
    }
}

/// A run that was there before this one of its name.
extension Starter {
    /// Moves it to the archive, and says where it is.
    ///
    /// - Returns: whether there was one.
    func archive(_ store: RunStore, socket: String) throws(StartError) -> Bool {
        let now = Timestamp(milliseconds: wallClockNow() / 1_000_000)
        // The status is derived, so a failure does not prevent the start. Leftovers are ended before the
        // first attempt.
        _ = try? Settler(store).settle(at: now, besides: socket)
        // Derived: it only spares a look at all checkpoints.
        let bytes = (try? store.derived.readStatus())?.checkpointBytes
        // Not tried again: it would be archived under two names.
        let archived = try explaining { () throws(StoreError) in try store.archives.take(at: now) }
        guard let archived else { return false }
        let size = bytes.map { ", \(SizeText.format($0))" } ?? ""
        let place = "\(archived.run) (\(HumanText.printable(archived.path))\(size))"
        console.say(
            request.settings.keepArchived == 0
                ? "the run before is archived as \(place); with \(OptionName.keepArchived) 0 it is removed, "
                    + "unless something of it is pinned"
                : "the run before is kept as \(place)", .normal)
        return true
    }
}
