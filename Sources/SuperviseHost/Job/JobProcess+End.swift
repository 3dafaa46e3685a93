import SuperviseCore
import SuperviseSystem

/// The end of the whole tree: whoever is left is signalled until nobody is.
extension JobProcess {
    func killEverything() {
        isKilling = true
        signalLeader(9)
        signalDescendants(9)
        if isEnding != nil { isEnding = .atOnce }
    }

    /// The core's order after ``Event/hindered(_:)``.
    func tryAgain() {
        if hasNoGuard { replaceGuard() }
        reap()
        if let isEnding {
            if isEnding == .atOnce || missesPolite {
                endDescendants(isEnding)
            } else {
                // All of them have got SIGTERM, and `reap` has looked who is left.
                watchGroup()
            }
        } else if isKilling {
            // SIGKILL has missed some, or somebody outlives it: the machine may be better now.
            killEverything()
        } else if missesStanding {
            missesStanding = false
            if isPaused {
                pause()
            } else {
                goOn()
            }
        }
    }

    func endDescendants(_ urgency: Action.Urgency) {
        isEnding = urgency
        watchGroup()
        if treeRemains { signalDescendants(urgency == .politely ? 15 : 9) }
    }

    /// After SIGCHLD: takes every process that has ended, a batch at a time, as a job may make them
    /// faster than we take them, and others want to be served, too.
    func reap() {
        let (awaited, count) = withTree { $0.reap(atMost: Self.batch) }
        ended(awaited)
        if count == Self.batch { loop.whenQuiet { [weak self] in self?.reap() } }
        // With `atOnce` also those that their parents left to us since the last look.
        if let urgency = isEnding, treeRemains, urgency == .atOnce { signalDescendants(9) }
    }

    /// The leader, the guard and our tools have ended, and were taken.
    func ended(_ all: [Reaped]) {
        for reaped in all {
            if reaped.pid == leader?.pid {
                guardian.attempt.leaderIsReaped()
                leaderEnded(reaped.status)
            } else if !hasNoGuard, reaped.pid == guardian.pid {
                replaceGuard()
            } else {
                _ = tools.ended(reaped)
            }
        }
    }

    /// Whether somebody of the tree that is ending is left; tells where nobody is, or nobody can tell.
    private var treeRemains: Bool {
        switch presence {
        case .nobody:
            treeIsGone()
            return false
        case .somebody: return true
        case .unknown(let error):
            deliver(.hindered(.tree(error.whyUnseen)))
            return true
        }
    }

    /// Whether somebody of the job is left: the guard, our tools and what we inherited are no part of it.
    private var presence: JobTree.Presence {
        // Asked first, so that what its watch has told is taken.
        switch group?.population {
        case .somebody: return .somebody
        case .unknown(let error): return .unknown(error)
        case .nobody, nil: break
        }
        // Mostly there is nobody, and one call quicker than a look into /proc.
        guard anyChildRemains() else { return .nobody }
        return withTree { $0.presence }
    }

    /// Its last member need not be our child.
    func watchGroup() {
        guard let group, groupWatch == nil else { return }
        groupWatch = try? loop.watch(group.changes, for: .urgent, rank: .first) {
            [unowned self] _ in reap()
        }
    }

    func treeIsGone() {
        isEnding = nil
        isKilling = false
        missesPolite = false
        if let groupWatch { loop.cancel(groupWatch) }
        groupWatch = nil
        guardian.attempt.end()
        if let refusal {
            let message = "the job cannot be watched: \(refusal)"
            deliver(
                .spawnFailed(
                    refusal.isShortage
                        ? .unwatched("\(message); \(refusal.shortageAdvice)") : .system(message)))
        } else {
            deliver(.descendantsGone)
        }
    }
}

/// Tells which attempts ran out of memory, as the kernel counts it.
extension JobProcess {
    func countMemoryKills() {
        memoryKills = OutOfMemoryCount.find(of: group).map { (count: $0.count, before: $0.value) }
    }

    /// Called when the leader is gone: the kernel counts a process before it kills it.
    func reportMemoryKills() {
        guard let (count, before) = memoryKills, let after = count.value(), after > before else {
            return
        }
        deliver(.outOfMemory(processes: after - before))
    }
}
