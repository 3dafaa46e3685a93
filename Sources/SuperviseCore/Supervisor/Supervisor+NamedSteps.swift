import SuperviseFormats

/// What the names of watched files tell.
extension Supervisor {
    /// An attempt begins, or the end of the last one is looked at.
    mutating func beginNames(from checkpoint: CheckpointSummary?) {
        namedSteps.begin(from: checkpoint.flatMap { kept.step(behind: $0) })
    }

    /// The step that a file's checkpoint gets.
    mutating func stepOf(_ file: WatchedFile) -> Int64? {
        guard let number = file.step else { return nil }
        let before = namedSteps
        let step = namedSteps.take(
            number, completedAt: file.completedAt, directory: file.isDirectory ? file.path : nil)
        history.setTrust(inNames: namedSteps.trust)
        if namedSteps.trust == .ended, before.trust != .ended { namesEnded(file, number) }
        return step
    }

    /// Of a run without steps any commit is progress, whatever was the highest before.
    private mutating func namesEnded(_ file: WatchedFile, _ number: Int64) {
        history.endSteps()
        let message =
            "\(shown(file.path)): the number \(number) in its name is not higher than an earlier one, so "
            + "numbers in names are no longer used as steps; from now on checkpoints of watched files "
            + "have no step, and each counts as progress; if a part of the name is the step, write "
            + "{step} for it in --watch"
        orders.warn(message)
    }

    /// The path that a later take of the same one stands for this one, too. What was moved away is no
    /// part of a later take.
    func source(of file: WatchedFile) -> FilePath? {
        settings.watchMode == .move ? nil : file.path
    }

    /// As people know it: relative to where the job runs.
    func shown(_ path: FilePath) -> FilePath {
        path.below(FilePath(record.directory)) ?? path
    }

    /// An attempt has ended.
    mutating func foundIncomplete(_ paths: [FilePath]) {
        let new = incomplete.found(paths)
        guard !new.isEmpty else { return }
        let named = new.suffix(IncompleteDirectories.most).map { shown($0).text }
        let more = new.count > named.count ? " and \(new.count - named.count) more" : ""
        let wanted = settings.watchComplete.map(\.text).joined(separator: ", ")
        let message =
            "\(named.joined(separator: ", "))\(more): not taken, as nothing in it fits "
            + "--watch-complete \(wanted)"
        orders.warn(message)
    }
}
