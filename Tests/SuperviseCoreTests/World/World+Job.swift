import SuperviseCore
import SuperviseFormats

/// What the job does, well or badly.
extension World {
    func tick(_ job: Job) {
        guard isActing(job), !job.isDoomed else { return }
        if isCalm {
            job.hangs = false
            workWell(job)
            if job.remaining > 0 { put(.jobTicks(job), after: chance.wait(1, 100)) }
        } else {
            if !job.hangs { act(job) }
            put(.jobTicks(job), after: chance.wait(1, 10_000))
        }
    }

    /// In the end there is always something to go on from: a run whose only checkpoint takes the
    /// machine down has no good end.
    func poison(of job: Job) -> Disk.Poison? {
        guard let id = job.order.resume?.id, let poison = disk.payloads[id]?.poison else {
            return nil
        }
        let older = disk.payloads.filter { $0.key < id }.values
        let hasOther = older.contains {
            $0.poison == nil && !$0.isRotten && !$0.hasNoManifest && $0.unreadableUntil <= now
        }
        return !isCalm || hasOther ? poison : nil
    }

    func strike(_ job: Job, _ poison: Disk.Poison) {
        guard isActing(job), job.generation == generation else { return }
        note("THE POISON OF \(job.order.resume?.id.description ?? "") STRIKES")
        switch poison {
        case .job: put(.leaderDies(tree: job.tree, randomEnd()), after: 1000)
        case .machine: if supervisor != nil { cutPower() }
        }
    }

    func isActing(_ job: Job) -> Bool {
        job.isAlive && !trees[job.tree].isCondemned
    }

    private func workWell(_ job: Job) {
        if usable(job) == nil { connect(job, accepts: !plan.isSilent) }
        job.step += 1
        job.remaining -= 1
        if !plan.isSilent { say(.progress(.init(step: job.step)), job) }
        if job.remaining <= 0 {
            if settings.restart == .always {
                // Only so does it end.
                later(.signal(.stop(number: 15, name: "SIGTERM")), after: chance.wait(0.1, 10))
            }
            put(.leaderDies(tree: job.tree, .exited(0)), after: chance.wait(0.1, 10))
        }
    }

    private func act(_ job: Job) {
        if job.links.isEmpty, chance.happens(plan.crashesAtStart) {
            put(.leaderDies(tree: job.tree, randomEnd()), after: chance.wait(0.1, 100))
            return
        }
        if usable(job) == nil, !chance.happens(plan.deaf) {
            connect(job, accepts: chance.happens(plan.accepts))
        }
        if chance.happens(plan.crash) {
            put(.leaderDies(tree: job.tree, randomEnd()), after: chance.wait(0.1, 100))
        }
        if chance.happens(plan.exitsWell) {
            put(.leaderDies(tree: job.tree, .exited(0)), after: chance.wait(0.1, 100))
        }
        if chance.happens(plan.hang) { job.hangs = true }
        if chance.happens(plan.comesAndGoes) { connectOrLeave(job) }
        if chance.happens(plan.descendants) { startDescendant(job) }
        if chance.happens(plan.nonsense) { talkNonsense(job) }
        if chance.happens(plan.floods) { flood(job) }
        if chance.happens(plan.givesUp) {
            say(.giveUp(.init(error: chance.happens(0.5) ? "bad data" : nil)), job)
        }
        job.step += Int64(chance.number(0...3))
        if chance.happens(plan.writesFiles) { write(job) }
        guard !plan.isSilent else { return say(.heartbeat, job) }
        switch chance.number(0...5) {
        case 0: say(.progress(.init(step: job.step, total: 1000)), job)
        case 1: say(.heartbeat, job)
        case 2: begin(job, nil)
        case 3: finishOpen(job)
        case 4 where chance.happens(0.3): say(.add(.init(path: "/file", step: job.step)), job)
        default: break
        }
    }

    private func randomEnd() -> JobEnd {
        chance.happens(0.5)
            ? .exited(chance.number(1...255)) : .signaled(number: 11, name: "SIGSEGV")
    }

    func usable(_ job: Job) -> Int? {
        job.links.first { links[$0]?.isOpen == true }
    }

    private func connect(_ job: Job, accepts: Bool) {
        let link = newLink(.job)
        job.links.append(link)
        let hello = JobMessage.Hello(
            token: job.order.token, accepts: accepts ? ["checkpoint"] : nil)
        say(.hello(hello), on: link)
    }

    private func connectOrLeave(_ job: Job) {
        if chance.happens(0.5), let link = job.links.last, links[link]?.isOpen == true {
            let at = max(links[link]?.lastDelivery ?? 0, now) + chance.wait(0.01, 5)
            links[link]?.lastDelivery = at
            queue.put(.hangUp(link: link), at: at)
        } else {
            connect(job, accepts: !plan.isSilent && chance.happens(0.5))
        }
    }

    private func startDescendant(_ job: Job) {
        guard trees[job.tree].descendants.count < 3 else { return }
        let hard = chance.happens(plan.unkillable)
        trees[job.tree].descendants.append(
            .init(
                ignoresSigterm: chance.happens(plan.ignoresSigterm),
                unkillableUntil: hard ? now + chance.wait(1_000, 100_000) : 0))
    }

    private func talkNonsense(_ job: Job) {
        let unknown = CheckpointID(sequence: 4242, step: nil)
        let request = chance.number(0...5)
        let any = job.open?.id ?? unknown
        switch chance.number(0...9) {
        case 0: say(.commit(.init(id: unknown)), job)
        case 1: say(.abort(.init(id: any)), job)
        case 2: say(.failed(.init(request: request, error: nil)), job)
        case 3: say(.add(.init(path: "relative")), job)
        case 4: say(.add(.init(path: "/x", mode: "move", request: request)), job)
        case 5: say(.hello(.init(protocol: 2, token: job.order.token)), job)
        case 6: say(.hello(.init(token: job.order.token, accepts: [])), job)
        case 7: say(.begin(.init(step: 500, request: request)), job)
        case 8: say(.progress(.init(step: .min, total: .max)), job)
        default: say(.commit(.init(id: any, request: request)), job)
        }
    }

    func begin(_ job: Job, _ request: Int?) {
        guard isActing(job), !job.hangs else { return }
        if request != nil, !isCalm, chance.happens(0.15) {
            say(
                .add(
                    .init(path: "/file", step: job.step, request: request, blocked: blockedTime())),
                job)
        } else {
            say(.begin(.init(step: chance.happens(0.9) ? job.step : nil, request: request)), job)
        }
    }

    private func finishOpen(_ job: Job) {
        guard let open = job.open else { return }
        job.open = nil
        if chance.happens(0.8) {
            say(.commit(.init(id: open.id, request: open.request)), on: open.link)
            goOnSaving(job)
        } else {
            let code = chance.happens(0.3) ? "no_space" : nil
            say(.abort(.init(id: open.id, code: code)), on: open.link)
        }
    }

    func commit(_ job: Job, _ id: CheckpointID, _ request: Int?) {
        guard isActing(job), !job.hangs, let open = job.open, open.id == id else { return }
        job.open = nil
        say(.commit(.init(id: id, request: request, blocked: blockedTime())), on: open.link)
        goOnSaving(job)
    }

    /// Without waiting for the commit.
    private func goOnSaving(_ job: Job) {
        guard !isCalm, chance.happens(plan.savesOnAndOn) else { return }
        job.step += 1
        put(.jobBegins(job, request: nil), after: chance.wait(0.01, 200))
    }

    /// What the job, or somebody else, is told.
    func hear(_ message: SupervisorMessage, on link: Int) {
        guard let job, isActing(job), !job.hangs, job.links.contains(link),
            links[link]?.isOpen == true
        else { return }
        switch message {
        case .began(let began):
            job.open = Job.Open(id: began.id, link: link, request: nil)
            guard isCalm || chance.happens(0.7) else { return }
            let request = chance.happens(0.1) ? witness.ledger.openRequest : nil
            put(.jobCommits(job, id: began.id, request: request), after: savingTime())
        case .checkpointRequest(let wire): wasAsked(job, wire)
        case .stop:
            guard isCalm || chance.happens(0.6) else { return }
            let end = chance.happens(0.5) ? JobEnd.exited(0) : randomEnd()
            put(.leaderDies(tree: job.tree, end), after: chance.wait(0.1, isCalm ? 10 : 15_000))
        case .welcome, .committed, .aborted, .error, .ok, .status, .pruned: break
        }
    }

    /// Until the job looks next.
    private func lookingTime() -> Int64 {
        plan.looksEvery == 0 || isCalm ? 0 : plan.looksEvery - now % plan.looksEvery
    }

    private func blockedTime() -> Double? {
        guard chance.happens(plan.tellsBlocked) else { return nil }
        return chance.happens(0.1) ? [-1, 1e300, .infinity][chance.number(0...2)] : chance.share()
    }

    private func wasAsked(_ job: Job, _ wire: CheckpointRequest) {
        if !isCalm, chance.happens(plan.ignoresRequest) { return }
        if let freeSpace, freeSpace < 10 {
            findFull(job, wire)
        } else if !isCalm, chance.happens(plan.failsToSave) {
            say(.failed(.init(request: wire.request, error: "no memory")), job)
        } else if let open = job.open, chance.happens(0.7) {
            put(.jobCommits(job, id: open.id, request: wire.request), after: savingTime())
        } else {
            put(.jobBegins(job, request: wire.request), after: lookingTime() + savingTime())
        }
    }

    /// There is no room for what it writes.
    private func findFull(_ job: Job, _ wire: CheckpointRequest) {
        let code = isCalm || chance.happens(0.7) ? "no_space" : nil
        if !isCalm, chance.happens(0.2) { return }
        if !isCalm, chance.happens(0.1) {
            put(.leaderDies(tree: job.tree, randomEnd()), after: chance.wait(0.1, 100))
        } else {
            say(.failed(.init(request: wire.request, error: "full", code: code)), job)
        }
    }

    func savingTime() -> Int64 {
        chance.wait(0.1, isCalm ? 50 : chance.happens(plan.isSlow) ? 60_000 : 2_000)
    }

    func say(_ message: JobMessage, _ job: Job) {
        guard let link = usable(job) else { return }
        say(message, on: link)
    }
}
