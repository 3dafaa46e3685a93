import SuperviseCore
import SuperviseFormats

/// Processes: how they start, are signalled and end.
extension World {
    func spawn(_ order: Action.SpawnOrder) throws(Violation) {
        lastOrder = order.attempt
        lookAtInput()
        if !isCalm, now >= shortUntil, chance.happens(plan.shortages) {
            shortUntil = now + Int64(chance.share() * Double(plan.shortageLasts))
        }
        if !isCalm, now < shortUntil {
            later(.spawnFailed(.shortage("clone: no process")), after: chance.wait(0.1, 50))
            return
        }
        if !isCalm, chance.happens(plan.spawnFails) {
            let failures: [Event.SpawnFailure] = [
                .notFound("not found"), .notExecutable("not executable"), .system("no memory"),
            ]
            later(.spawnFailed(failures[chance.number(0...2)]), after: chance.wait(0.1, 500))
            return
        }
        try witness.numbers.judge(order)
        if !isCalm, chance.happens(plan.shortages / 2) {
            later(.spawnFailed(.unwatched("epoll_ctl: no memory")), after: chance.wait(0.1, 50))
            return
        }
        trees.append(Tree(generation: generation, attempt: order.attempt))
        let tree = trees.count - 1
        if !isCalm, chance.happens(plan.unkillable) {
            trees[tree].leaderUnkillableUntil = now + chance.wait(1_000, 100_000)
        }
        let job = Job(tree: tree, order: order, generation: generation)
        job.handlesTermination = chance.happens(0.7)
        self.job = job
        let execution = chance.wait(0.1, chance.happens(0.1) ? 20_000 : 5)
        if !isCalm, chance.happens(plan.signals) {
            later(randomSignal(), after: Int64(chance.share() * Double(execution)))
        }
        put(.jobStarts(job), after: execution)
    }

    func jobStarts(_ job: Job) throws(Violation) {
        guard !job.isStarted, job.generation == generation else { return }
        job.isStarted = true
        put(.jobTicks(job), after: chance.wait(0.1, 500))
        if chance.happens(0.7) { input.isRead() }
        if let poison = poison(of: job) {
            job.isDoomed = isCalm || chance.happens(0.7)
            put(.poisonStrikes(job, poison), after: chance.wait(0.1, 2_000))
        }
        if !isCalm, let time = plan.diesAfter {
            let wait = Double(time) * (1 + 0.04 * chance.share())
            put(.leaderDies(tree: job.tree, .exited(7)), after: Int64(wait))
        }
        try tell(.spawned(pid: 100 + job.tree))
    }

    func signalLeader(_ number: Int32) {
        guard let job, job.generation == generation, trees[job.tree].leaderIsAlive else { return }
        guard number == 15 || chance.happens(0.05) else { return }
        if !isCalm, chance.happens(plan.ignoresSigterm) { return }
        let end: JobEnd =
            !job.handlesTermination || chance.happens(0.5)
            ? .signaled(number: Int(number), name: "SIG\(number)")
            : .exited(chance.happens(0.5) ? 0 : 3)
        if number == 15, job.handlesTermination { write(job) }
        put(.leaderDies(tree: job.tree, end), after: chance.wait(0.1, isCalm ? 10 : 8_000))
    }

    func killEverything() {
        lastUrgency = .atOnce
        if !isCalm, chance.happens(plan.hidesProcesses) {
            // The leader is our child, and is killed all the same.
            hasMissedSome = true
            later(.hindered(.tree("open /proc: refused")), after: chance.wait(0.01, 5))
            for tree in trees.indices where trees[tree].generation == generation {
                killLeader(tree)
            }
            return
        }
        hasMissedSome = false
        for tree in trees.indices where trees[tree].generation == generation { kill(tree) }
    }

    func kill(_ tree: Int) {
        killLeader(tree)
        for index in trees[tree].descendants.indices { killDescendant(tree, index) }
    }

    private func killLeader(_ tree: Int) {
        trees[tree].isCondemned = true
        if trees[tree].leaderIsAlive {
            let wait = max(trees[tree].leaderUnkillableUntil - now, 0) + chance.wait(0.1, 10)
            put(.leaderDies(tree: tree, .signaled(number: 9, name: "SIGKILL")), after: wait)
        }
    }

    private func killDescendant(_ tree: Int, _ index: Int) {
        let descendant = trees[tree].descendants[index]
        guard descendant.isAlive else { return }
        let wait = max(descendant.unkillableUntil - now, 0) + chance.wait(0.1, 500)
        put(.descendantDies(tree: tree, index), after: wait)
    }

    func endDescendants(_ urgency: Action.Urgency) {
        guard let tree = trees.indices.last, trees[tree].generation == generation else {
            lookAtInput()
            later(plan.passesOutput ? .treeGone : .descendantsGone, after: 1000)
            return
        }
        trees[tree].isAwaited = true
        lastUrgency = urgency
        if !isCalm, chance.happens(plan.hidesProcesses) {
            isHidden = true
            later(.hindered(.tree("open /proc: no descriptor")), after: chance.wait(0.01, 5))
            return
        }
        for index in trees[tree].descendants.indices {
            switch urgency {
            case .atOnce: killDescendant(tree, index)
            case .politely where trees[tree].descendants[index].ignoresSigterm: break
            case .politely: put(.descendantDies(tree: tree, index), after: chance.wait(0.1, 2_000))
            }
        }
        tellIfGone(tree)
    }

    /// What could not be seen is looked at again.
    func tryAgain() {
        lookAgain()
        // Failures of this try are reported before that.
        later(.triedAgain, after: chance.wait(6, 10))
    }

    private func lookAgain() {
        if hasMissedSome { killEverything() }
        if missesPause { pauseJob() }
        guard isHidden, let tree = trees.indices.last, trees[tree].isAwaited else { return }
        isHidden = false
        endDescendants(lastUrgency)
    }

    func leaderDies(_ tree: Int, _ end: JobEnd) {
        guard trees[tree].leaderIsAlive else { return }
        if now < trees[tree].leaderUnkillableUntil {
            trees[tree].isCondemned = true
            put(
                .leaderDies(tree: tree, end),
                after: trees[tree].leaderUnkillableUntil - now)
            return
        }
        trees[tree].leaderIsAlive = false
        note("THE LEADER OF \(tree) DIES")
        if let job, job.tree == tree, case .signaled(let number, _) = end,
            number != 15 || !job.handlesTermination
        {
            leaveHalfAFile(job)
        }
        if let job, job.tree == tree {
            job.isAlive = false
            if job.generation == generation, supervisor != nil { tellOfExit(job, end) }
        }
        leftoversMayBeGone()
    }

    /// What it said is told before; a leader cannot be told dead before it was told alive.
    private func tellOfExit(_ job: Job, _ end: JobEnd) {
        let said = job.links.compactMap { links[$0]?.lastDelivery }.max() ?? 0
        // The error pipe closes with the process, which looks like a success.
        if !job.isStarted { later(.spawned(pid: 100 + job.tree), after: 0) }
        job.isStarted = true
        let wait = max(said - now, 0) + chance.wait(0.01, 2)
        if end != .exited(0), chance.happens(plan.outOfMemory) {
            later(.outOfMemory(processes: 1), after: wait)
        }
        lookAtInput()
        later(.jobExited(end), after: wait)
    }

    func descendantDies(_ tree: Int, _ index: Int) {
        guard index < trees[tree].descendants.count, trees[tree].descendants[index].isAlive else {
            return
        }
        let until = trees[tree].descendants[index].unkillableUntil
        if now < until {
            put(.descendantDies(tree: tree, index), after: until - now)
            return
        }
        trees[tree].descendants[index].isAlive = false
        tellIfGone(tree)
        leftoversMayBeGone()
    }

    private func tellIfGone(_ tree: Int) {
        guard trees[tree].isAwaited, !trees[tree].isAlive, !isHidden else { return }
        trees[tree].isAwaited = false
        guard trees[tree].generation == generation else { return }
        lookAtInput()
        later(
            plan.passesOutput ? .treeGone : .descendantsGone, after: chance.wait(0.01, 5))
    }

    func endLeftovers() {
        if !isCalm, chance.happens(plan.hidesProcesses) {
            later(
                .leftoversUnseen("open /proc: refused", ended: ["job (100)"]),
                after: chance.wait(0.1, 100))
            return
        }
        isEndingLeftovers = true
        if !isCalm, chance.happens(plan.signals) {
            later(randomSignal(), after: chance.wait(0.1, 2_000))
        }
        for tree in trees.indices where trees[tree].isAlive { kill(tree) }
        leftoversMayBeGone()
    }

    private func leftoversMayBeGone() {
        guard isEndingLeftovers, !trees.contains(where: \.isAlive) else { return }
        isEndingLeftovers = false
        later(.leftoversEnded(["job (100)"]), after: chance.wait(0.1, 100))
    }
}
