import SuperviseCore
import SuperviseFormats

/// Under every rule each branch keeps what the rule says, and nothing stays that no rule keeps.
///
/// It knows the true parent of every checkpoint that ever was, and who left which branch.
struct BranchWitness {
    /// What the supervisor has been told of.
    private(set) var known: Set<CheckpointID> = []
    /// Of every order, also of one that came to nothing; nil for the beginning.
    private var parents: [CheckpointID: CheckpointID?] = [:]
    /// Those that were the newest when an attempt went on from another, and whether by the options.
    private var left: [CheckpointID: Bool] = [:]
    /// What the attempt has committed last or resumed from.
    private var base: CheckpointID?
    private var pending: [CheckpointID] = []
    /// Of these, and of all before: files that the job wrote by itself.
    private var watched: Set<CheckpointID> = []
    /// By this supervisor.
    private var ordered: Set<CheckpointID> = []
    /// The first attempt of this supervisor has begun: the rules hold from there on.
    private var hasSpawned = false
    /// It is more than a start that the machine was too short of something for.
    private var hasStarted = false
    private var ownCommits: Set<CheckpointID> = []

    /// A fork is forgotten only where the record was lost and the parent is gone.
    mutating func supervisorStarts(_ world: World) {
        let damaged = world.disk.payloads.filter(\.value.hasNoManifest).keys
        known = Set(world.disk.visible).subtracting(damaged)
        pending = []
        ordered = []
        hasSpawned = false
        hasStarted = false
        ownCommits = []
        guard let lineage = world.supervisor?.lineage else { return }
        let kept = known.sorted()
        for (index, id) in kept.enumerated() {
            let found = predecessor(of: index, kept, lineage)
            guard found != chain(id).dropLast().last else { continue }
            let parent = parents[id] ?? nil
            let isRecorded = (world.disk.record?.branches ?? []).contains { fork in
                fork.first <= id.sequence
                    && (index == 0 || fork.first > kept[index - 1].sequence)
            }
            if isRecorded || parent.map({ known.contains($0) }) ?? true {
                wrongBranch = "\(id) is taken to come from \(found?.description ?? "nothing")"
            }
            parents[id] = .some(found)
        }
    }

    private var wrongBranch: String?
    /// After the step before, a take of a path stood for the earlier ones.
    private var replacesRetakes = true

    private func predecessor(
        of index: Int, _ kept: [CheckpointID], _ lineage: Lineage
    ) -> CheckpointID? {
        let sequences = kept[...index].map(\.sequence)
        var before = lineage
        // As it was when this one was the newest.
        before.forget(from: sequences[index] + 1)
        let current = before.branches(of: sequences)[0].members
        guard current.last == index else { return kept[index] }
        return current.dropLast().last.map { kept[$0] }
    }

    func removed(_ step: Step) -> [CheckpointID] {
        step.actions.flatMap { action -> [CheckpointID] in
            if case .remove(let ids) = action { ids } else { [] }
        }
    }

    mutating func follow(_ step: Step, hidden: Set<CheckpointID>) throws(Violation) {
        if let wrongBranch { throw Violation("branches", wrongBranch) }
        switch step.event {
        case .committed(let summary, _):
            known.insert(summary.id)
            ownCommits.insert(summary.id)
            pending.removeAll { $0 == summary.id }
            // In a stop an older one may come after a newer one.
            base = base.map { max($0, summary.id) } ?? summary.id
        case .verified(let id, .bad): known.remove(id)
        case .commitFailed(let id, _), .notAdded(let id, _): drop(id)
        case .removed(_, let held): known.formUnion(held)
        case .removalFailed(let ids): known.formUnion(ids)
        case .spawnFailed(.shortage), .spawnFailed(.unwatched): hasSpawned = hasStarted
        case .spawned, .spawnFailed: hasStarted = true
        default: break
        }
        receive(step.supervisor.committing)
        for action in step.actions {
            switch action {
            case .commit(let order): try follow(order)
            case .add(let order, _): try follow(order)
            case .dropStaging(let id): drop(id)
            case .setAside(let id, _): known.remove(id)
            default: break
            }
        }
        if let order = step.spawn {
            hasSpawned = true
            base = order.resume?.id
            let newest = known.filter { !hidden.contains($0) }.max()
            if let newest { left[newest] = newest == base ? nil : !isAllowed(newest, step) }
        }
    }

    private func isAllowed(_ id: CheckpointID, _ step: Step) -> Bool {
        switch step.settings.resumeFrom {
        case .newest: true
        case .beginning: ownCommits.contains(id)
        case .checkpoint(let chosen): id <= chosen || ownCommits.contains(id)
        }
    }

    /// Its parent is the one before it, also of those that wait.
    private mutating func receive(_ unfinished: [Committing]) {
        let left = Set(unfinished.map(\.id))
        // A watched file that gives way before its turn; what a message brought is dropped aloud.
        for id in pending where watched.contains(id) && !left.contains(id) && !ordered.contains(id)
        {
            drop(id)
        }
        for commit in unfinished where !pending.contains(commit.id) {
            if commit.watched != nil { watched.insert(commit.id) }
            parents[commit.id] = .some([pending.last, base].compactMap { $0 }.max())
            pending.append(commit.id)
        }
    }

    /// It becomes no checkpoint: those that wait behind it continue from the one before it.
    private mutating func drop(_ id: CheckpointID) {
        guard let place = pending.firstIndex(of: id) else { return }
        pending.remove(at: place)
        for other in pending where parents[other] == .some(id) {
            parents[other] = parents[id]
        }
    }

    private mutating func follow(_ order: CommitOrder) throws(Violation) {
        // One that waited for room is ordered again.
        guard ordered.insert(order.id).inserted else { return }
        if hasSpawned, order.parent != parents[order.id] ?? nil {
            throw Violation(
                "branches", "\(order.id) has the parent \(order.parent?.description ?? "none")")
        }
        parents[order.id] = .some(order.parent)
    }

    /// Forgets the checkpoints that were removed in this step.
    mutating func settle(_ step: Step) {
        known.subtract(removed(step))
        replacesRetakes = step.supervisor.namedSteps.replaceRetakes
    }
}

extension BranchWitness {
    /// It and all before it that are left.
    private func chain(_ tip: CheckpointID?) -> [CheckpointID] {
        var found: [CheckpointID] = []
        var next = tip
        while let id = next {
            if known.contains(id) { found.append(id) }
            next = parents[id] ?? nil
        }
        return found.reversed()
    }

    private func descends(_ id: CheckpointID, from ancestor: CheckpointID) -> Bool {
        var next: CheckpointID? = id
        while let current = next {
            if current == ancestor { return true }
            next = parents[current] ?? nil
        }
        return false
    }

    /// - Parameter special: those that stay in any case, or may.
    func judge(
        _ step: Step, _ special: Set<CheckpointID>, _ world: World
    ) throws(Violation) {
        guard hasSpawned else { return }
        let told = Set(step.supervisor.checkpoints.map(\.id) + removed(step))
        if known != told { throw Violation("branches", "\(told) are there, and not \(known)") }
        let rules = NaiveRules(rules: step.settings.retention)
        let current = chain(base)
        var tips = known
        for id in known { tips.subtract(chain(id).dropLast()) }
        tips.subtract(current)
        let asked = tips.filter { tip in
            Set(left.filter { descends($0.key, from: tip) }.values) == [true]
        }
        func summaries(_ ids: some Sequence<CheckpointID>) -> [CheckpointSummary] {
            ids.sorted().compactMap { world.disk.payloads[$0]?.summary }
        }
        // The rules were followed before or after that has changed.
        let replaces = [replacesRetakes, step.supervisor.namedSteps.replaceRetakes]
        func isKept(
            _ id: CheckpointID, _ branch: [CheckpointID], replacing: Bool
        ) -> Bool {
            let counted = branch.filter { !replacing || !isRetaken($0, branch) }
            guard counted.contains(id), let one = world.disk.payloads[id]?.summary else {
                return false
            }
            return rules.keep(one, of: summaries(counted))
        }
        /// Its path was taken again on the branch, with the same step.
        func isRetaken(_ id: CheckpointID, _ branch: [CheckpointID]) -> Bool {
            guard let path = world.disk.payloads[id]?.source, let step = id.step else {
                return false
            }
            return branch.contains { other in
                other > id && other.step == step && world.disk.payloads[other]?.source == path
            }
        }
        let certain = [current] + asked.map(chain)
        let covered = Set(certain.flatMap { $0 })
        let others = known.subtracting(covered).sorted()
        let possible = certain + tips.map(chain) + [others]
        let goes = Set(removed(step))
        let hasLimit = rules.rules.maxAge != nil || rules.rules.maxBytes != nil
        for id in goes where !hasLimit {
            let own = tips.map(chain).filter { $0.contains(id) }
            let mustStay = replaces.allSatisfy { replacing in
                certain.contains { isKept(id, $0, replacing: replacing) }
                    || (isKept(id, others, replacing: replacing)
                        && own.allSatisfy { isKept(id, $0, replacing: replacing) })
            }
            if mustStay {
                throw Violation("7", "a rule keeps \(id), and it is removed; branches \(possible)")
            }
        }
        for id in known.subtracting(goes).subtracting(special)
        where id != known.max() {
            let mayStay = replaces.contains { replacing in
                possible.contains { isKept(id, $0, replacing: replacing) }
            }
            if mayStay { continue }
            throw Violation("7", "no rule keeps \(id), and it stays; branches \(possible)")
        }
    }
}
