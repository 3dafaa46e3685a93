import SuperviseFormats

/// The watched files that are complete and wait to be taken, in the order in which they were told.
///
/// While the job runs each is taken in its turn. At an end there may be time for one only: then the
/// newest is taken first, and those that are older than one that was taken are passed over, as they
/// would get a higher number.
struct WatchedBacklog: Equatable, Sendable {
    private(set) var files: [WatchedFile] = []
    /// When the newest one was completed that became a checkpoint of this attempt.
    private var newestTaken: Instant?

    /// The last file that was missing when it was to be taken: its rename may be reported later.
    private var lastGone: WatchedFile?

    var isEmpty: Bool { files.isEmpty }

    /// Of equals, the one that was told last. What a checkpoint holds already is older than all else.
    var newest: WatchedFile? {
        let own = files.indices.filter { !files[$0].isRepeat }
        return (own.isEmpty ? Array(files.indices) : own)
            .max { (files[$0].completedAt, $0) < (files[$1].completedAt, $1) }
            .map { files[$0] }
    }

    /// Only what a path holds now can be had of a file that waits already.
    mutating func add(_ file: WatchedFile) {
        files.removeAll { $0.path == file.path }
        files.append(file)
        if lastGone?.path == file.path { lastGone = nil }
    }

    /// The file was missing when it was to be taken: it was removed or renamed.
    mutating func isGone(_ file: WatchedFile, wasRenamed: Bool) {
        if wasRenamed { putFirst(file) } else { lastGone = file }
    }

    mutating func takeNext(newestFirst: Bool) -> WatchedFile? {
        guard let next = newestFirst ? newest : files.first else { return nil }
        files.removeAll { $0.path == next.path }
        return next
    }

    /// Puts a file back at the front: its copy was cancelled, or a checkpoint already holds its content.
    mutating func putFirst(_ file: WatchedFile) {
        guard !files.contains(where: { $0.path == file.path }) else { return }
        files.insert(file, at: 0)
    }

    mutating func rename(_ old: FilePath, to new: FilePath) {
        if var file = lastGone, file.path == old {
            lastGone = nil
            file.path = new
            if let newestTaken, file.completedAt <= newestTaken { return }
            return putFirst(file)
        }
        guard let index = files.firstIndex(where: { $0.path == old }) else { return }
        var file = files.remove(at: index)
        file.path = new
        files.removeAll { $0.path == new }
        files.insert(file, at: min(index, files.count))
    }

    /// Drops copies of older checkpoints: taken now they would be the newest, and be resumed from.
    ///
    /// - Parameter newest: nil where another one is on its way.
    /// - Returns: whether there were any.
    mutating func dropRepeats(except newest: CheckpointID?) -> Bool {
        guard files.contains(where: { $0.isRepeat && $0.repeats != newest }) else { return false }
        files.removeAll { $0.isRepeat && $0.repeats != newest }
        return true
    }

    /// A file has become a checkpoint.
    mutating func wasTaken(_ file: WatchedFile) {
        guard !file.isRepeat else { return }
        newestTaken = max(newestTaken ?? file.completedAt, file.completedAt)
    }

    /// Drops files that are older than one that was taken, and repeats beside a file that is still to be
    /// taken.
    ///
    /// - Returns: the older ones.
    mutating func passOverOlder() -> [WatchedFile] {
        var older: [WatchedFile] = []
        if let newestTaken {
            older = files.filter { !$0.isRepeat && $0.completedAt <= newestTaken }
            files.removeAll { !$0.isRepeat && $0.completedAt <= newestTaken }
        }
        if files.contains(where: { !$0.isRepeat }) { files.removeAll(where: \.isRepeat) }
        return older
    }
}
