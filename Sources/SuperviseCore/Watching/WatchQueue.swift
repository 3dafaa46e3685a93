import SuperviseFormats

/// The files that a job writes by itself: which are complete, and which is taken next.
///
///     complete → waiting → being taken → checkpoint
///     complete → (not taken)            (see ``Taking``)
///     waiting → (passed over)           (a newer file was taken first, and the attempt ends)
///     being taken → waiting             (a newer one goes first, or only its name has changed)
///
/// Only one is being taken at a time, so that a file that is written again while it waits is taken once.
struct WatchQueue: Sendable {
    /// Which complete files are taken, by what the job is doing.
    enum Taking: Sendable {
        case running(LastCloses?)
        /// The job has ended, and its death may have closed a file half written.
        case ending(LastCloses?, JobEnd, wasStopped: Bool)
        /// The job of an earlier supervisor has ended: only what was moved into place is complete.
        case gathering
        case nothing
    }

    /// The job's files are watched.
    let isWatching: Bool
    private let mode: AddMode
    private let completion: [CompletionPattern]
    /// Where the job runs.
    private let directory: FilePath
    private var backlog = WatchedBacklog()
    /// Orders to report all complete files that were not answered yet.
    private var flushes = 0
    /// When the attempt began that an earlier supervisor died with; nil where there is none.
    private var lostSince: Timestamp?
    private var incompleteDirectories = IncompleteDirectories()
    private(set) var names: NamedSteps
    private var takenPaths: TakenPaths

    /// - Parameter sources: the paths that checkpoints were taken from, at least of the newest ones.
    init(
        _ settings: Settings, directory: String, names: RunRecord.StepTrust?,
        sources: [CheckpointID: FilePath]
    ) {
        isWatching = !settings.watch.isEmpty
        mode = settings.watchMode
        completion = settings.watchComplete
        self.directory = FilePath(directory)
        takenPaths = TakenPaths(sources)
        self.names = NamedSteps(names, hasRetakes: !takenPaths.repeated.isEmpty)
    }

    /// As people know it: relative to where the job runs.
    private func shown(_ path: FilePath) -> FilePath { path.below(directory) ?? path }
}

/// What is complete.
extension WatchQueue {
    /// Files are still to be reported: the job has ended, or an earlier supervisor had.
    var isFlushing: Bool { flushes > 0 }

    /// Nothing waits, and nothing is still to be reported.
    var isDone: Bool { backlog.isEmpty && !isFlushing }

    mutating func flush(_ orders: inout Orders) {
        guard isWatching else { return }
        flushes += 1
        orders.add(.flushWatch)
    }

    /// An earlier supervisor died with an attempt that began then.
    mutating func attemptWasLost(since: Timestamp) { lostSince = since }

    /// From when on the files of that attempt may not be taken yet; nil where there are none.
    ///
    /// - Parameter newest: when the newest checkpoint was made.
    func untaken(after newest: Timestamp?) -> Timestamp? {
        guard isWatching, let lostSince else { return nil }
        return max(lostSince, newest ?? lostSince)
    }

    /// - Parameter step: of the checkpoint that these files continue from; nil without one.
    mutating func gather(since: Timestamp, from step: Int64?, _ orders: inout Orders) {
        names.begin(from: step)
        flushes += 1
        orders.add(.gatherWatched(since: since))
    }

    mutating func flushed() { flushes = max(0, flushes - 1) }

    mutating func found(_ files: [WatchedFile], _ taking: Taking, _ orders: inout Orders) {
        for file in files where isTaken(file, taking, &orders) {
            incompleteDirectories.completed(file.path)
            backlog.add(file)
        }
    }

    private func isTaken(
        _ file: WatchedFile, _ taking: Taking, _ orders: inout Orders
    ) -> Bool {
        switch taking {
        case .running(let closes):
            return file.wasMoved || closes?.isBeforeKill(file.completedAt) != false
        case .gathering: return file.wasMoved
        case .ending(let closes, let end, let wasStopped):
            let isMeant = closes?.wasClosedByWill(
                at: file.completedAt, end: end, wasStopped: wasStopped)
            if file.wasMoved || isMeant == true { return true }
            orders.warn(
                "\(file.path) was closed when the job died, and may be half written; it is not "
                    + "taken (what is written under another name and then renamed always is)")
            return false
        case .nothing: return false
        }
    }

    /// Directories without a file that makes them complete; in order.
    var incomplete: [FilePath] { incompleteDirectories.paths }

    /// The same, as people know them.
    var incompleteToShow: [FilePath] { incomplete.map(shown) }

    /// An attempt has ended, and these directories are not complete.
    mutating func foundIncomplete(_ paths: [FilePath], _ orders: inout Orders) {
        let new = incompleteDirectories.found(paths)
        guard !new.isEmpty else { return }
        let named = new.suffix(IncompleteDirectories.most).map { shown($0).text }
        let more = new.count > named.count ? " and \(new.count - named.count) more" : ""
        let wanted = completion.map(\.text).joined(separator: ", ")
        orders.warn(
            "\(named.joined(separator: ", "))\(more): not taken, as nothing in it fits "
                + "\(OptionName.watchComplete) \(wanted)")
    }
}

/// What is taken, and what comes of it.
extension WatchQueue {
    /// The file that is taken first when there may be time for one only.
    var newest: WatchedFile? { backlog.newest }

    /// - Parameter newestFirst: there may be time for one only.
    mutating func takeNext(newestFirst: Bool) -> WatchedFile? {
        backlog.takeNext(newestFirst: newestFirst)
    }

    /// - Parameter newest: the newest checkpoint.
    func source(of file: WatchedFile, newest: CheckpointID?) -> Action.Source {
        let rule = RepeatRule(path: file.path, step: file.step, newest: newest)
        return Action.Source(
            path: file.path, mode: mode, rule: file.isRepeat ? nil : rule, content: file.content)
    }

    /// The path that a later take of the same one stands for this one, too. What was moved away is no
    /// part of a later take.
    func lastingPath(of file: WatchedFile) -> FilePath? { mode == .move ? nil : file.path }

    /// Drops copies of older checkpoints: taken now they would be the newest, and be resumed from.
    ///
    /// - Parameter newest: whose copies stay; nil where another checkpoint is on its way.
    /// - Returns: whether that was all that waited.
    mutating func dropRepeats(except newest: CheckpointID?) -> Bool {
        backlog.dropRepeats(except: newest) && backlog.isEmpty
    }

    /// Drops what is older than a file that was taken first.
    ///
    /// - Returns: whether that was all that waited.
    @discardableResult
    mutating func passOverOlder(_ orders: inout Orders) -> Bool {
        let older = backlog.passOverOlder()
        guard !older.isEmpty else { return false }
        let names = older.prefix(3).map(\.path.text).joined(separator: ", ")
        let more = older.count > 3 ? " and \(older.count - 3) more" : ""
        orders.warn(
            "\(names)\(more): not taken, as the attempt ends and a newer file was taken first")
        return backlog.isEmpty
    }

    /// Its turn comes again: only its name has changed, or a newer one went first.
    mutating func putFirst(_ file: WatchedFile) { backlog.putFirst(file) }

    /// It has become a checkpoint.
    mutating func wasTaken(_ file: WatchedFile) { backlog.wasTaken(file) }

    /// It has not become a checkpoint, and nothing is wrong.
    mutating func notTaken(_ file: WatchedFile, _ reason: Event.NotAdded, isRenamed: Bool) {
        switch reason {
        case .gone: backlog.isGone(file, wasRenamed: isRenamed)
        case .sameAs(let known): takeBeside(file, known)
        // Should the newer one fail, this one is still there.
        case .cancelled: backlog.putFirst(file)
        }
    }

    /// It was changed while it was taken, or only renamed, which may be reported later.
    mutating func hasChanged(_ file: WatchedFile) { backlog.isGone(file, wasRenamed: false) }

    /// A payload that stays where the job wrote it is lost with that place. Where the job keeps the
    /// content under another name, a checkpoint of that is as good. It has a higher number than all
    /// others, so that is done for the newest one only.
    mutating func takeBeside(_ file: WatchedFile, _ known: CheckpointID) {
        guard mode.leavesOriginal, !file.isRepeat else { return }
        var file = file
        file.repeats = known
        backlog.putFirst(file)
    }

    mutating func rename(_ old: FilePath, to new: FilePath) { backlog.rename(old, to: new) }
}

/// What the names of files tell, and which checkpoints stand for one path.
extension WatchQueue {
    /// - Parameter step: of the checkpoint that it continues from; nil without one.
    mutating func attemptBegins(from step: Int64?) {
        backlog = WatchedBacklog()
        names.begin(from: step)
    }

    /// The step that a file's checkpoint gets.
    mutating func step(of file: WatchedFile, _ orders: inout Orders) -> Int64? {
        guard !file.isRepeat, let number = file.step else { return nil }
        let before = names.trust
        let step = names.take(
            number, completedAt: file.completedAt, directory: file.isDirectory ? file.path : nil)
        if names.trust == .ended, before != .ended { warnOfNames(file, number, &orders) }
        return step
    }

    private func warnOfNames(_ file: WatchedFile, _ number: Int64, _ orders: inout Orders) {
        orders.warn(
            "\(shown(file.path)): the number \(number) in its name is not higher than an earlier one, "
                + "so numbers in names are no longer used as steps; from now on checkpoints of watched "
                + "files have no step, and each counts as progress; if a part of the name is the step, "
                + "write {step} for it in \(OptionName.watch)")
    }

    /// - Parameter path: nil where it was not taken from one.
    mutating func committed(_ id: CheckpointID, from path: FilePath?) {
        takenPaths.note(id, from: path)
    }

    mutating func removed(_ ids: [CheckpointID]) { takenPaths.forget(ids) }

    /// Takes of one path with one step, of which the newest stands for all; see ``TakenPaths``.
    var retaken: [[CheckpointID]] { names.replaceRetakes ? takenPaths.repeated : [] }
}
