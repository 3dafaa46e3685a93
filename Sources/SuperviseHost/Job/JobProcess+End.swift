import SuperviseCore
import SuperviseSystem

/// The end of the whole tree: whoever is left is signalled until nobody is.
extension JobProcess {
    func killEverything() {
        signalLeader(9)
        signalDescendants(9)
        if isEnding != nil { isEnding = .atOnce }
    }

    func endDescendants(_ urgency: Action.Urgency) {
        isEnding = urgency
        guard hasDescendants else {
            treeIsGone()
            return
        }
        watchGroup()
        signalDescendants(urgency == .politely ? 15 : 9)
    }

    /// After SIGCHLD: takes every process that has ended, a batch at a time, as a job may make them
    /// faster than we take them, and others want to be served, too.
    func reap() {
        for taken in 1... {
            guard let reaped = reapOne() else { break }
            if reaped.pid == leader?.pid {
                guardian.attempt.leaderIsReaped()
                leaderEnded(reaped.status)
            } else if reaped.pid == guardian.pid {
                replaceGuard()
            } else {
                _ = tools.ended(reaped)
            }
            if taken == Self.batch {
                loop.whenQuiet { [weak self] in self?.reap() }
                break
            }
        }
        guard let urgency = isEnding else { return }
        if !hasDescendants {
            treeIsGone()
        } else if urgency == .atOnce {
            // What its parent left to us since the last look.
            signalDescendants(9)
        }
    }

    /// The guard and our tools are no part of the job.
    var hasDescendants: Bool {
        // Asked first, so that what its watch has told is taken.
        if let group, group.isPopulated { return true }
        // Mostly there is nobody, and one call quicker than a look into /proc.
        guard anyChildRemains() else { return false }
        return tools.withProcesses { ProcessTree.hasChildren(except: $0.union([guardian.pid])) }
    }

    /// Its last member need not be our child.
    func watchGroup() {
        guard let group, groupWatch == nil else { return }
        groupWatch = try? loop.watch(group.changes, for: .urgent) { [unowned self] _ in reap() }
    }

    /// Our children that are no part of the job.
    var helpers: Set<Int32> { tools.withProcesses { $0.union([guardian.pid]) } }

    func treeIsGone() {
        isEnding = nil
        if let groupWatch { loop.cancel(groupWatch) }
        groupWatch = nil
        guardian.attempt.end()
        deliver(.descendantsGone)
    }
}
