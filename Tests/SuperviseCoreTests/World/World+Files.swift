import SuperviseCore
import SuperviseFormats

/// A file that the job has written by itself, and that fits `--watch`.
struct WrittenFile {
    let file: WatchedFile
    /// Its writer died before it was complete.
    let isHalf: Bool
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
        put(job, wasMoved: chance.happens(0.5), isHalf: false)
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

    /// What was complete is written on, and is complete again.
    func addShard(to file: WatchedFile, _ job: Job) {
        guard isActing(job), job.generation == generation else { return }
        var again = file
        again.completedAt = Instant(nanoseconds: now)
        again.wasMoved = false
        appear(again, isHalf: false)
    }

    private func appear(_ file: WatchedFile, isHalf: Bool) {
        files.append(WrittenFile(file: file, isHalf: isHalf))
        let wait = file.wasMoved ? 0 : Int64(250_000_000)
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
        put(.fileSettles(index, generation: generation), after: 2_000_000_000)
    }
}
