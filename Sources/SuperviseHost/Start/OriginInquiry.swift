import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem

/// Gathers what tells whether a run's directory is where its record was written. Changes nothing.
package struct OriginInquiry {
    let store: RunStore
    let record: RunRecord

    package init(_ store: RunStore, _ record: RunRecord) {
        self.store = store
        self.record = record
    }

    /// - Throws: `unreadable` where the run's directory is.
    package func answer() throws(StoreError) -> StateOrigin {
        let now = try store.home()
        var origin = StateOrigin(
            recorded: record.home, now: now, isSameHost: record.host == hostName(),
            supervisor: supervisor)
        guard StateOrigin.needsLook(recorded: record.home, now: now) else { return origin }
        origin.processes = processes()
        if let former = record.home?.path ?? record.formerDirectory {
            origin.original = store.isRun(at: former).map { $0 ? .exists : .gone } ?? .unknown
        }
        return origin
    }

    private var isSameBoot: Bool {
        guard record.host == hostName(), let boot = try? bootId() else { return false }
        return boot == record.bootID
    }

    /// The one that the record names, if it still lives: a process of its number that is older than what
    /// the record says of that number can be no other.
    private var supervisor: Int32? {
        guard record.outcome == nil, isSameBoot, let pid = Int32(exactly: record.supervisorPID),
            pid != processId(), let process = RunningProcess(pid: pid),
            process.name.hasPrefix("supervise"),
            let told = record.current?.started ?? record.failures.last?.at,
            process.started <= told.milliseconds + Self.inaccuracy
        else { return nil }
        return pid
    }

    /// /proc gives start times in hundredths of a second.
    private static let inaccuracy: Int64 = 50

    private func processes() -> StateOrigin.Processes {
        guard let found = ProcessTree.bearers(ofRunToken: record.runToken) else { return .unknown }
        let run = store.paths.run
        var all = found.map { bearer in
            StateOrigin.Process(
                pid: bearer.pid,
                hasOurSocket: bearer.socket.map { SocketPath.isSocket($0, of: run) })
        }
        if let job = hiddenJob, !all.contains(where: { $0.pid == job }) {
            all.append(.init(pid: job, hasOurSocket: nil))
        }
        return .found(all)
    }

    /// The job of the last status, where it is another user's, whose token we may not read.
    private var hiddenJob: Int32? {
        guard isSameBoot, let status = try? store.derived.readStatus(),
            let pid = status.jobPID.flatMap({ Int32(exactly: $0) }),
            let process = RunningProcess(pid: pid), !process.isOpenToUs,
            process.started <= status.updated.milliseconds + Self.inaccuracy
        else { return nil }
        return pid
    }
}
