import SuperviseFormats

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
