import SuperviseCore
import SuperviseFormats
import SuperviseHost
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// `supervise settle [NAME|--all]`.
extension CommandCall {
    /// What came of one run, also in JSON.
    private struct Settled: Codable {
        var name: String
        /// Whether its status was written now.
        var settled: Bool
        /// One word for how it ended.
        var state: String
    }

    func settle() throws(Complaint) -> Answer {
        guard values.all else {
            let run = try meantRun()
            guard let done = try settle(run) else { throw try inUse(run) }
            return values.json ? try json(done) : Answer(text: text(done))
        }
        try refuseOperands(after: 0)
        var done: [Settled] = []
        var notes: [String] = []
        var isComplete = true
        let found = try runs.all()
        // Where one cannot be settled, the others are.
        for run in found.open {
            do throws(Complaint) {
                if let one = try settle(run) {
                    done.append(one)
                } else if let text = try run.whyStillHeld("settle it again") {
                    notes.append(text)
                }
            } catch {
                notes.append(error.message)
                if error.status != Complaint.no { isComplete = false }
            }
        }
        if found.closed.contains(where: { $0.directory == runs.place.directory }) {
            isComplete = false
        }
        notes += found.closed.map { $0.sentence(for: "settle --all") }
        let told = done.filter(\.settled).map(text).joined()
        var answer = values.json ? try json(done) : Answer(text: told)
        answer.notes = notes
        answer.status = isComplete ? 0 : Complaint.no
        return answer
    }

    /// - Returns: nil where somebody is at work on it.
    private func settle(_ run: FoundRun) throws(Complaint) -> Settled? {
        // Nothing is locked or written where there is nothing to settle.
        let before = try run.glance(at: surroundings.now)
        if before.isRunning { return nil }
        let ended = Settled(name: run.name.description, settled: false, state: before.word)
        if try !run.isUnsettled { return ended }
        try refuseForeign(run)
        do {
            guard case .taken(let lock) = try RunLock.acquireToSettle(run.store.paths) else {
                return nil
            }
            defer { lock.release() }
            let settler = Settler(run.store)
            switch try settler.settle(
                at: surroundings.now, endLeftovers: { try settler.endLeftovers($0) })
            {
            case .settled(let status):
                return Settled(
                    name: run.name.description, settled: true, state: Glance(status: status).word)
            case .hadEnded: return ended
            case .otherHost(let host):
                throw Complaint(
                    "run \(run.name) was last at work on \(HumanText.printable(host)), and may be "
                        + "still; settle it there", status: Complaint.no)
            }
        } catch let complaint as Complaint {
            throw complaint
        } catch {
            throw Complaint("run \(run.name): \(error)")
        }
    }

    /// Root settles nothing that another user may have written, or could swap meanwhile.
    private func refuseForeign(_ run: FoundRun) throws(Complaint) {
        try CheckpointKeeper(run: run, surroundings: surroundings).refuseForeignPlace()
        _ = try run.recordToRun()
    }

    private func inUse(_ run: FoundRun) throws(Complaint) -> Complaint {
        if let text = try run.whyStillHeld("settle it again") {
            return Complaint(text, status: Complaint.no)
        }
        let glance = try run.glance(at: surroundings.now)
        guard glance.isRunning else {
            return Complaint(
                "somebody was just at work on run \(run.name); settle it again",
                status: Complaint.no)
        }
        return Complaint(
            "run \(run.name) is in use by pid \(glance.status.supervisorPID)"
                + "\(SupervisorDistance(to: glance.status).phrase): there is nothing to settle",
            status: Complaint.no)
    }

    private func text(_ done: Settled) -> String {
        guard done.settled else { return "\(done.name) \(done.state): nothing to settle\n" }
        let resume = HumanText.commandLine(["supervise", "resume", done.name] + placeOption)
        return "\(done.name) \(done.state); to go on: \(resume)\n"
    }
}
