import SuperviseCore
import SuperviseFormats
import SuperviseHost
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// Changes what is kept of a run: through its supervisor where one runs, else with the run's lock, so
/// that there is one writer.
struct CheckpointKeeper {
    let run: FoundRun
    let surroundings: Surroundings

    typealias Pruned = SupervisorMessage.Pruned

    /// What there is, once nobody else can change it.
    private struct Kept {
        var checkpoints: [CheckpointSummary]
        var protection: Protection
        var lineage: Lineage
        var retaken: [[CheckpointID]]

        func reasons(toKeep id: CheckpointID) -> RetentionPlan.Reasons {
            RetentionPlan.protecting(id, among: checkpoints, protection)
        }
    }

    func pin(_ id: CheckpointID, _ isPinned: Bool) throws(Complaint) {
        if run.name.isArchived { return try pinArchived(id, isPinned) }
        if let connection = try supervisor() {
            _ = try connection.ask(.init(command: isPinned ? "pin" : "unpin", id: id))
            return
        }
        try alone { (store) throws -> Void in
            var pins = try store.pins.load()
            if isPinned { pins.insert(id) } else { pins.remove(id) }
            try store.pins.save(pins)
        }
    }

    /// A supervisor that cuts archived runs down holds the one that it is at, as we do.
    private func pinArchived(_ id: CheckpointID, _ isPinned: Bool) throws(Complaint) {
        try refuseForeignPlace()
        let isDone: Bool
        do throws(StoreError) {
            isDone = try ArchivedRun(run.store).setPin(id, isPinned)
        } catch {
            if case .garbage(run.store.paths.pins, _) = error {
                throw Complaint("run \(run.name): \(run.store.pins.advice(on: error))")
            }
            throw Complaint("run \(run.name): \(error)")
        }
        if !isDone {
            throw Complaint(
                "run \(run.name) is just being changed by a supervisor or by somebody else; "
                    + "try again", status: Complaint.no)
        }
    }

    func delete(_ id: CheckpointID, settings: Settings) throws(Complaint) -> Pruned {
        if let connection = try supervisor() {
            return try pruned(try connection.ask(.init(command: "delete", id: id)))
        }
        let pruned = try remove(settings) { kept in
            kept.reasons(toKeep: id).refusal(of: id).map {
                .failure(.init($0, status: Complaint.no))
            }
                ?? .success([id])
        }
        guard pruned.held == 0 else {
            throw Complaint(
                "checkpoint \(id) stays: somebody is reading it; try again when that has ended",
                status: Complaint.no)
        }
        return pruned
    }

    func prune(_ settings: Settings) throws(Complaint) -> Pruned {
        if let connection = try supervisor() {
            return try pruned(try connection.ask(.init(command: "prune")))
        }
        return try remove(settings) { kept in
            let plan = RetentionPlan(
                kept.checkpoints, rules: settings.retention, protection: kept.protection,
                lineage: kept.lineage, retaken: kept.retaken)
            return .success(plan.removals)
        }
    }

    /// Removes those of them that may go when their turn has come; a supervisor is asked for one after
    /// the other, as it goes by its own rules and not by those of the caller.
    func remove(_ ids: [CheckpointID], _ settings: Settings) throws(Complaint) -> Pruned {
        guard let connection = try supervisor() else {
            return try remove(settings) { kept in
                let going = ids.filter { kept.reasons(toKeep: $0).refusal(of: $0) == nil }
                return .success(going.filter(Set(kept.checkpoints.map(\.id)).contains))
            }
        }
        var all = Pruned(removed: 0, bytes: 0, held: 0)
        for id in ids {
            do throws(Complaint) {
                let one = try pruned(try connection.ask(.init(command: "delete", id: id)))
                all.removed += one.removed
                all.bytes += one.bytes
            } catch {
                all.held += 1
            }
        }
        return all
    }

    /// What the rules of the run say now. Writes nothing.
    func plan(_ settings: Settings) throws(Complaint) -> RetentionPlan {
        let reader = CheckpointReader(run: run, surroundings: surroundings)
        let found = try reader.scan()
        return RetentionPlan(
            found.checkpoints, rules: settings.retention,
            protection: try protection(settings, pins: reader.pins()),
            lineage: try lineage(found.checkpoints),
            retaken: try retaken(found.sources))
    }

    /// As the supervisor would know it.
    private func protection(
        _ settings: Settings, pins: Set<CheckpointID>?
    ) throws(Complaint) -> Protection {
        let record = try run.knownRecord()
        var resumed: Set<CheckpointID> = []
        if let id = record.current?.resumedFrom { resumed.insert(id) }
        if let id = try? run.store.derived.readStatus()?.resumedFrom { resumed.insert(id) }
        var suspects: Set<CheckpointID> = []
        // After a clean end they are counted anew.
        if record.outcome == nil {
            for (text, count) in record.failures.suspects where count >= settings.rollbackAfter {
                if let id = CheckpointID(text) { suspects.insert(id) }
            }
        }
        return Protection(pinned: pins, resumed: resumed, suspects: suspects)
    }

    private func lineage(_ checkpoints: [CheckpointSummary]) throws(Complaint) -> Lineage {
        Lineage(try run.knownRecord().branches, checkpoints)
    }

    /// As the supervisor would know it after a start.
    private func retaken(_ sources: [CheckpointID: FilePath]) throws(Complaint) -> [[CheckpointID]]
    {
        let repeated = TakenPaths(sources).repeated
        let names = NamedSteps(
            try run.knownRecord().namedSteps, hasRetakes: !repeated.isEmpty)
        return names.replaceRetakes ? repeated : []
    }

    private func supervisor() throws(Complaint) -> ControlConnection? {
        guard try run.glance(at: surroundings.now).isRunning else { return nil }
        do throws(Complaint) {
            let call = ["supervise", "checkpoints", run.name.description]
            return try ControlConnection(to: run, for: call, at: surroundings.now)
        } catch {
            // Where only the guard of one that is gone has it, the lock tells.
            guard try run.isHeldByLiving(within: .zero) else { return nil }
            throw error
        }
    }

    private func pruned(_ answer: SupervisorMessage) throws(Complaint) -> Pruned {
        guard case .pruned(let pruned) = answer else {
            throw Complaint("the supervisor of \(run.name) answered something else", status: 1)
        }
        return pruned
    }

    /// - Parameter choose: gets what there is once nobody else can change it.
    private func remove(
        _ settings: Settings,
        _ choose: (Kept) -> Result<[CheckpointID], Complaint>
    ) throws(Complaint) -> Pruned {
        try alone { (store) throws -> Pruned in
            let pins = try store.pins.load()
            let scan = try store.checkpoints.scan()
            let found = scan.checkpoints
            let kept = Kept(
                checkpoints: found, protection: try protection(settings, pins: pins),
                lineage: try lineage(found), retaken: try retaken(scan.sources))
            let ids: [CheckpointID]
            switch choose(kept) {
            case .success(let chosen): ids = chosen
            case .failure(let complaint): throw complaint
            }
            let gone = Set(try store.trash.remove(ids))
            try tell(store, gone.sorted(), found.filter { !gone.contains($0.id) })
            let bytes = found.filter { gone.contains($0.id) }.sizeOnDisk
            return Pruned(removed: gone.count, bytes: bytes, held: ids.count - gone.count)
        }
    }

    /// For those who read the status and the events.
    private func tell(
        _ store: RunStore, _ gone: [CheckpointID], _ left: [CheckpointSummary]
    ) throws(StoreError) {
        if gone.isEmpty { return }
        let event = RunEvent.removed(.init(ids: gone))
        try store.derived.append([LoggedEvent(at: surroundings.now, event: event)])
        guard var status = try? store.derived.readStatus() else { return }
        status.setCheckpoints(left)
        try store.derived.publish(status)
    }

    /// - Returns: nil where the checkpoints are in the run's own directory.
    private func lockPayload() throws -> FileLock? {
        let claim = PayloadClaim(run.store)
        func owner() throws -> String? {
            guard let tenancy = try claim.tenancy() else { return nil }
            if let refusal = StartText.refusal(tenancy, run.store.paths) {
                throw Complaint("run \(run.name): \(refusal)", status: Complaint.no)
            }
            return tenancy.owner?.run ?? ""
        }
        guard try owner() != nil else { return nil }
        try run.store.payloadDirectory.requireCheckpoints()
        try run.store.payloadDirectory.prepareLock()
        switch try RunLock.acquire(run.store.paths.payloadLock) {
        case .heldBy(let pid):
            let who = pid.map { "by pid \($0)" } ?? "by another process"
            throw Complaint(
                "the checkpoints of run \(run.name) are in use \(who), for another state; try again "
                    + "when that has ended", status: Complaint.no)
        case .taken(let lock):
            _ = try owner()
            return lock
        }
    }

    private func whyHeld(by pid: Int32?) -> String {
        if let pid, let text = run.whyStillHeld(by: pid, "try again") { return text }
        let who = pid.map { "by pid \($0)" } ?? "by another process"
        return "run \(run.name) is in use \(who), which does not answer yet; try again"
    }

    private func alone<Result>(
        _ body: (RunStore) throws -> Result
    ) throws(Complaint) -> Result {
        do {
            let paths = run.store.paths
            try refuseForeignPlace()
            try StateDirectory(paths.stateDirectory).prepare()
            switch try RunLock.acquire(paths) {
            case .heldBy(let pid):
                throw Complaint(whyHeld(by: pid), status: Complaint.no)
            case .taken(let lock):
                defer { lock.release() }
                let payload = try lockPayload()
                defer { payload?.release() }
                return try body(run.store)
            }
        } catch let complaint as Complaint {
            throw complaint
        } catch let error as StoreError {
            if case .garbage(run.store.paths.pins, _) = error {
                throw Complaint("run \(run.name): \(run.store.pins.advice(on: error))")
            }
            throw Complaint("run \(run.name): \(error)")
        } catch {
            throw Complaint("run \(run.name): \(error)")
        }
    }
}

extension CheckpointKeeper {
    /// Root changes nothing where another user could have it work on other files.
    func refuseForeignPlace() throws(Complaint) {
        guard userId() == 0 else { return }
        for place in [run.store.paths.run, run.store.paths.payload] {
            guard let walk = try? PathWalk.look(place) else { continue }
            let trust = PlaceTrust(steps: walk.trustSteps)
            // As for a job that is another user: whose rights are ours here is not known.
            let verdict = trust.verdict(user: 0, group: 0, jobIsAnother: true)
            guard case .refused(let weakness) = verdict else { continue }
            throw Complaint(
                "run \(run.name): \(PlaceText.what(weakness)), and who can change it could have root "
                    + "change other files; call supervise as the user whose run it is (sudo -u USER "
                    + "supervise …), or move the run to a directory of root's")
        }
    }
}
