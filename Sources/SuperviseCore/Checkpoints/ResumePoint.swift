import SuperviseFormats

/// Which checkpoint the attempts go on from, and which ones were found bad.
struct ResumePoint: Sendable {
    /// Found bad, and not set aside yet: that is done once a good one is found, so that a run never
    /// looks as if it had none.
    private(set) var damaged: [DamagedCheckpoint]
    /// The newest ones that this supervisor has set aside, at most two.
    private(set) var setAside: [DamagedCheckpoint] = []
    /// It has been chosen what to go on from: before that, any checkpoint may be needed.
    private(set) var hasChosen = false
    /// What the newest attempt resumed from, also when it has ended.
    private var newest: CheckpointID?
    private var hasResumed = false
    /// What the last step back went to, or the last attempt resumed from.
    private var lastBase: CheckpointID?
    private let scope: Settings.ResumeFrom
    /// The highest number when this supervisor started.
    private let startSequence: Int64

    init(damaged: [DamagedCheckpoint], scope: Settings.ResumeFrom, startSequence: Int64) {
        self.damaged = damaged
        self.scope = scope
        self.startSequence = startSequence
    }

    /// What the options allow to resume from, in order of sequence.
    func candidates(of all: [CheckpointSummary]) -> [CheckpointID] {
        ResumeChoice.candidates(
            from: all.map(\.id), scope: scope, startSequence: startSequence)
    }

    /// The newest candidates, down to the first that is not suspect; in order of sequence.
    func passedOver(of all: [CheckpointSummary], _ history: RunHistory) -> [CheckpointID] {
        candidates(of: all).reversed().prefix(while: history.isSuspect).reversed()
    }

    /// Somebody has chosen, as the options do not allow the newest one.
    func isAsked(of all: [CheckpointSummary]) -> Bool { candidates(of: all).last != all.last?.id }

    func choose(
        from all: [CheckpointSummary], _ history: RunHistory, rollbackAfter: Int
    ) -> ResumeChoice {
        ResumeChoice.choose(
            from: all.map(\.id), scope: scope, startSequence: startSequence,
            suspects: history.record.failures.suspects, rollbackAfter: rollbackAfter,
            everCommitted: history.record.commits > 0)
    }

    /// Files that this process has hashed before need not be read again. All is read at the first resume,
    /// and after a roll-back.
    func trusts(_ id: CheckpointID, of all: [CheckpointSummary]) -> Bool {
        hasResumed && id == candidates(of: all).last && damaged.isEmpty
    }

    mutating func foundBad(_ id: CheckpointID, _ reason: String) {
        damaged.append(DamagedCheckpoint(id: id, reason: reason))
    }

    /// An attempt begins from there; nil for the beginning.
    mutating func goOn(
        from resume: CheckpointID?, of all: [CheckpointSummary], _ history: RunHistory,
        _ orders: inout Orders
    ) {
        if let resume {
            setBadOnesAside(&orders)
            hasResumed = true
            tellOfStepBack(to: resume, of: all, history, &orders)
        }
        newest = resume
        hasChosen = true
    }

    private mutating func setBadOnesAside(_ orders: inout Orders) {
        for bad in damaged {
            orders.add(.setAside(bad.id, reason: bad.reason))
            orders.log(.setAside(.init(id: bad.id, reason: bad.reason)))
        }
        setAside = (setAside + damaged).sorted { $0.id < $1.id }.suffix(2)
        damaged = []
    }

    /// Said once for each step back, and when it is known that what is gone back to is good.
    private mutating func tellOfStepBack(
        to id: CheckpointID, of all: [CheckpointSummary], _ history: RunHistory,
        _ orders: inout Orders
    ) {
        let newer = all.map(\.id).filter { $0 > id }
        defer { lastBase = id }
        guard let newest = newer.last, id != lastBase else { return }
        let failed = candidates(of: all).last { $0 > id }
        let count = failed.map { history.failures(from: $0) }
        orders.log(
            .rolledBack(
                .init(to: id, from: failed ?? newest, passed: newer.count, failures: count)))
    }

    /// Those that must stay, as the job has resumed from them or is about to.
    ///
    /// - Parameter choosing: this one is being verified.
    func protected(choosing: CheckpointID?) -> Set<CheckpointID> {
        Set([newest, choosing].compactMap { $0 })
    }

    /// Why the run cannot go on.
    func nothingGood(_ record: RunRecord) -> String {
        if case .checkpoint(let id) = scope {
            return "there is no good checkpoint \(id) to resume from; "
                + "supervise checkpoints \(record.name) list shows which there are"
        }
        let newest = damaged.max { $0.id < $1.id }
        let example = newest.map { " (\($0.id): \($0.reason))" } ?? ""
        return "run \(record.name) has committed \(record.commits) checkpoints and none of them "
            + "can be used\(example); to begin from the beginning all the same: "
            + "\(OptionName.resumeFrom) none"
    }
}

/// Which checkpoint an attempt goes on from: the newest that is not suspect, by sequence.
package enum ResumeChoice: Equatable, Sendable {
    case beginning
    case checkpoint(CheckpointID)
    /// Something was committed, and nothing of it can be used.
    case nothingGood

    /// - Parameters:
    ///   - checkpoints: those committed and not found bad, in any order.
    ///   - scope: what the options of this supervisor allow.
    ///   - startSequence: the highest sequence when this supervisor started: what is newer was
    ///     made by it, and always counts.
    ///   - suspects: failures in a row, by id.
    ///   - rollbackAfter: so many failures make one suspect.
    ///   - everCommitted: the run record knows of commits.
    package static func choose(
        from checkpoints: [CheckpointID], scope: Settings.ResumeFrom, startSequence: Int64,
        suspects: [String: Int], rollbackAfter: Int, everCommitted: Bool
    ) -> ResumeChoice {
        let candidates = candidates(from: checkpoints, scope: scope, startSequence: startSequence)
        guard let oldest = candidates.first else {
            switch scope {
            case .beginning: return .beginning
            case .checkpoint: return .nothingGood
            case .newest: return everCommitted ? .nothingGood : .beginning
            }
        }
        let trusted = candidates.last { suspects[$0.description, default: 0] < rollbackAfter }
        return .checkpoint(trusted ?? oldest)
    }

    /// Those that the options allow, in order of sequence.
    package static func candidates(
        from checkpoints: [CheckpointID], scope: Settings.ResumeFrom, startSequence: Int64
    ) -> [CheckpointID] {
        checkpoints.filter { allows($0, scope: scope, startSequence: startSequence) }.sorted()
    }

    private static func allows(
        _ id: CheckpointID, scope: Settings.ResumeFrom, startSequence: Int64
    ) -> Bool {
        switch scope {
        case .newest: true
        case .beginning: id.sequence > startSequence
        case .checkpoint(let chosen):
            id.sequence > startSequence || id.sequence <= chosen.sequence
        }
    }
}
