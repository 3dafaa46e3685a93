import SuperviseFormats

/// What a full disk takes first: old output and old events.
extension Supervisor {
    /// For a checkpoint that we found no room for.
    mutating func clearLogs() {
        switch logs.next(missing: kept.newest?.sizeOnDisk) {
        case .order(let bytes): orders.add(.removeLogs(bytes: bytes))
        case .wait: break
        case .over: lookAtArchives()
        }
    }

    /// For one that the job found no room for.
    mutating func clearLogsForShortage(missing: Int64) {
        switch logs.next(missing: missing) {
        case .order(let bytes):
            shortage?.stage = .logs(missing: missing)
            orders.add(.removeLogs(bytes: bytes))
        case .wait: shortage?.stage = .logs(missing: missing)
        case .over:
            shortage?.stage = .archives(missing: missing)
            lookAtArchives()
        }
    }

    mutating func logsRemoved(_ removed: RunEvent.LogsRemoved, at now: Moment) {
        guard logs.isOrdered else { return }
        logs.answered(isMore: !removed.isEmpty)
        tellRemovedLogs(removed)
        if !removed.isEmpty {
            useRoom(isMore: true, at: now)
        } else if !archives.waiting.isEmpty {
            lookAtArchives()
        }
        logStepEnded(isMore: !removed.isEmpty)
    }

    mutating func tellRemovedLogs(_ removed: RunEvent.LogsRemoved) {
        if !removed.isEmpty { orders.log(.logsRemoved(removed)) }
    }

    private mutating func logStepEnded(isMore: Bool) {
        guard case .logs(let missing) = shortage?.stage else { return }
        if isMore {
            shortage?.hasRemoved = true
            shortage?.stage = .measuring
            orders.add(.measureSpace)
        } else {
            shortage?.stage = .archives(missing: missing)
            lookAtArchives()
        }
    }
}
