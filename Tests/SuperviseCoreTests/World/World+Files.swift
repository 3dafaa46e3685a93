import SuperviseCore
import SuperviseFormats

/// A file that the job has written by itself, and that fits `--watch`.
struct WrittenFile {
    var file: WatchedFile
    /// Its writer died before it was complete.
    let isHalf: Bool
    /// Two with the same content are copies of each other.
    let content: Int
    var isTold = false
}

/// The watched files, as a real host would see them: what was moved into place at once, what was
/// closed a moment later, and at the job's end all that is there.
extension World {
    func askBySignal() {
        guard let job, isActing(job), job.generation == generation, !job.hangs else { return }
        if chance.happens(isCalm ? 0 : 0.2) {
            later(.requestNotSent("there is no handler"), after: 0)
        } else if isCalm || !chance.happens(plan.ignoresRequest) {
            put(.jobWrites(job), after: savingTime())
        }
    }

    func write(_ job: Job) {
        guard isActing(job), !job.hangs, plan.writesFiles > 0, job.generation == generation else {
            return
        }
        if chance.happens(0.2) { renameSomething() }
        if chance.happens(0.2) { return copySomething() }
        put(job, wasMoved: chance.happens(0.5), isHalf: false)
    }

    /// As `cp state state.old` does.
    private func copySomething() {
        guard let original = files.last(where: { !$0.isHalf }) else { return }
        let file = WatchedFile(
            path: "/out/old", step: chance.happens(0.3) ? original.file.step : nil,
            completedAt: Instant(nanoseconds: now), wasMoved: chance.happens(0.5))
        settle(WrittenFile(file: file, isHalf: false, content: original.content))
    }

    /// As `mv state state.old` does, of a content that was told.
    private func renameSomething() {
        guard let index = files.lastIndex(where: { $0.isTold && !$0.isHalf }) else { return }
        let old = files[index].file.path
        let new: FilePath = "/out/renamed-\(index)"
        for index in files.indices where files[index].file.path == old {
            files[index].file.path = new
        }
        for index in disk.commits.indices where disk.commits[index].source == old {
            disk.commits[index].source = new
        }
        later(.watchedRenamed(from: old, to: new), after: 0)
        // Else only a link leads elsewhere.
        let id =
            disk.commits.first { $0.source == new }?.order.id
            ?? disk.taken[files[index].content]?.id
        if let id, chance.happens(0.8) { later(.payloadMoved(from: "/\(id)", to: new), after: 0) }
    }

    func leaveHalfAFile(_ job: Job) {
        guard chance.happens(plan.writesFiles), job.generation == generation else { return }
        put(job, wasMoved: false, isHalf: true)
    }

    private func put(_ job: Job, wasMoved: Bool, isHalf: Bool) {
        job.saves += 1
        let number: Int64 =
            switch plan.naming {
            case .step: job.step
            case .turns: job.step % 2
            case .again: job.saves
            case .version: 2
            }
        let name = isHalf ? "half" : chance.happens(0.3) ? "last" : "\(number)"
        let file = WatchedFile(
            path: "/out/\(name)", step: chance.happens(0.8) ? number : nil,
            completedAt: Instant(nanoseconds: now), wasMoved: wasMoved)
        appear(file, isHalf: isHalf)
        if !isHalf, chance.happens(plan.addsLate) {
            put(.shardComes(file, job), after: chance.wait(100, 5_000))
        }
    }

    /// A complete file is appended to, and is complete again.
    func addShard(to file: WatchedFile, _ job: Job) {
        guard isActing(job), job.generation == generation else { return }
        var again = file
        again.completedAt = Instant(nanoseconds: now)
        again.wasMoved = false
        appear(again, isHalf: false)
    }

    private func appear(_ file: WatchedFile, isHalf: Bool) {
        settle(WrittenFile(file: file, isHalf: isHalf, content: files.count))
    }

    private func settle(_ file: WrittenFile) {
        files.append(file)
        let wait = file.file.wasMoved ? 0 : Int64(250_000_000)
        put(
            .fileSettles(files.count - 1, generation: generation),
            after: wait + chance.wait(0.01, 5))
    }

    func fileSettles(_ index: Int) throws(Violation) {
        guard !files[index].isTold else { return }
        files[index].isTold = true
        try tell(.watched([files[index].file]))
    }

    func flushFiles() {
        let isSlow = !isCalm && chance.happens(plan.commitIsSlow)
        put(.filesFlushed(generation: generation), after: chance.wait(0.01, isSlow ? 30_000 : 5))
    }

    func filesFlushed() throws(Violation) {
        let untold = files.indices.filter { !files[$0].isTold }
        for index in untold { files[index].isTold = true }
        if !untold.isEmpty { try tell(.watched(untold.map { files[$0].file })) }
        try tell(.watchFlushed)
    }

    /// A supervisor starts: what is there is nothing new.
    func filesAreKnown() {
        for index in files.indices { files[index].isTold = true }
    }

    /// After the supervisor died: what was moved into place later than that is there, and only that.
    func gatherFiles(since: Timestamp) {
        let start = moment
        for index in files.indices {
            let file = files[index].file
            let isLater = start.wall(at: file.completedAt) > since
            files[index].isTold = !(file.wasMoved && isLater)
        }
        flushFiles()
    }

    func watchAgain(_ path: FilePath) {
        guard let index = files.lastIndex(where: { $0.file.path == path }) else { return }
        files[index].isTold = false
        files[index].file.completedAt = Instant(nanoseconds: now)
        put(.fileSettles(index, generation: generation), after: 2_000_000_000)
    }
}

/// Which content is taken, and which signals end the job.
extension World {
    /// The checkpoint that holds the content of this source, where it is not to be taken again.
    func repeated(_ pending: Disk.PendingCommit) -> CheckpointID? {
        guard let rule = pending.rule, let content = content(of: pending),
            let known = disk.taken[content]
        else { return nil }
        return rule.takes(known.id, from: known.source) ? nil : known.id
    }

    func content(of pending: Disk.PendingCommit) -> Int? {
        files.last { $0.file.path == pending.source }?.content
    }

    func cancelAdd(_ id: CheckpointID) {
        guard chance.happens(0.7), let index = disk.commits.firstIndex(where: { $0.order.id == id })
        else { return }
        disk.commits.remove(at: index)
        later(.notAdded(id, .cancelled), after: chance.wait(0.1, 10))
    }

    func lookForHandlers(_ hearers: LastCloses.Hearers) {
        guard let job, job.generation == generation else { return }
        switch hearers {
        case .leader:
            if trees[job.tree].leaderIsAlive {
                later(.handlersFound(.leader, job.handlesTermination), after: 0)
            }
        case .descendants: later(.handlersFound(.descendants, true), after: 0)
        }
    }
}
