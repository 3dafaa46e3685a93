import SuperviseCore
import SuperviseFormats

/// A job that is paused, or stopped together with its supervisor.
extension World {
    func pauseJob() {
        guard let job, job.generation == generation else { return }
        if !isCalm, chance.happens(plan.hidesProcesses) {
            missesPause = true
            later(
                .hindered(.signal("SIGSTOP", "open /proc: no descriptor")),
                after: chance.wait(0.01, 5))
            return
        }
        missesPause = false
        job.isStopped = true
    }

    func unpauseJob() {
        missesPause = false
        job?.isStopped = false
    }

    /// What such a job would do, it does later.
    ///
    /// - Returns: whether it cannot do it now.
    func postpones(_ happening: Happening, of job: Job?) -> Bool {
        guard let job, job.isStopped, job.isAlive, !trees[job.tree].isCondemned else {
            return false
        }
        put(happening, after: chance.wait(10, 1_000))
        return true
    }

    /// Somebody may kill it all the same.
    func postponesEnd(_ tree: Int, _ end: JobEnd, _ happening: Happening) -> Bool {
        if case .signaled(9, _) = end { return false }
        guard let job, job.tree == tree else { return false }
        return postpones(happening, of: job)
    }

    /// Ctrl-Z, and a while later `fg`: nothing happened meanwhile, and all timers are late.
    func standStill() throws(Violation) {
        let time = chance.wait(100, 600_000)
        // Nothing stands still on a machine that is taken away meanwhile.
        if let cutAt = cloud.cutAt, now + time >= cutAt { return }
        note("ALL STAND STILL FOR \(time / 1_000_000) ms")
        now += time
        witness.stoodStill(for: time)
        try tell(.stoodStill(.nanoseconds(time)))
    }

    /// Somebody else, in the end, lets it go on.
    func operatorsCalmDown() {
        guard supervisor != nil else { return }
        if supervisor?.isPaused == true {
            say(.control(.init(command: "unpause")), on: newLink(.operator))
        }
    }
}
