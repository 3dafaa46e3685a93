import SuperviseCore
import SuperviseFormats

/// Plain facts, gathered from what was told and what was ordered.
struct Ledger {
    /// From the order to spawn until its failure or the exit.
    var leaderRuns = false
    var isSpawned = false
    var token: String?
    /// From the leader's exit until it is known how that counts.
    var isEnding = false
    /// The job's connections, and whether they accept requests.
    var members: [ConnectionID: Bool] = [:]
    /// Which request a checkpoint answers, as far as it was said.
    var requestOf: [CheckpointID: Int] = [:]
    /// Those that hold what another one holds, and that are no progress.
    private(set) var repeats: Set<CheckpointID> = []
    /// Ordered, and neither committed nor failed, in the order of the orders.
    var orders: [CheckpointID] = []
    /// When the `begin` came whose answer is held back, in the time that counts.
    private(set) var heldBegin: Int64?
    private var heldRequest: Int?
    /// Of these: what the disk has been ordered to do at least once.
    private(set) var given: Set<CheckpointID> = []
    /// Watched files that wait behind others.
    private var watching: Set<CheckpointID> = []
    var open: CheckpointID?
    var openRequest: Int?
    var openRequestIsFinal = false
    /// The job was asked by a signal, and its next checkpoint answers.
    var openRequestIsBySignal = false
    private var openRequestMadeAt: Int64 = 0
    /// Requests by a signal that had their time, and no answer.
    private var unansweredBySignal: Set<Int> = []
    /// What was told of the job's own files, by path.
    private var watched: [FilePath: Int64] = [:]
    /// Those made in this attempt; a message that names another one names none.
    private var made: Set<Int> = []
    var measured: Set<CheckpointID> = []
    /// Ordered to be removed, and not yet answered.
    private var leaving: Set<CheckpointID> = []
    /// Those that were on their way out when the last choice was made.
    private(set) var notOffered: Set<CheckpointID> = []
    var isCompressing = false
    /// From the look at a job that hangs until it is gone.
    var isHung = false
    var armed: [TimerID: Int64] = [:]
    var holdsRecords = false
    /// Since when the job is paused, as somebody asked.
    private(set) var pausedAt: Int64?
    /// In earlier pauses.
    private var paused: Int64 = 0
    /// The job of this attempt has said that another one is of no use.
    private(set) var hasGivenUp = false
    /// The kernel has killed a process of this attempt for lack of memory.
    private(set) var isOutOfMemory = false
    /// The actions of the last step that ended the leader's run.
    var lastExit: JobEnd?
    /// That the machine is taken away, as far as anybody was told.
    private(set) var notice: Notice?
    /// What each of those who can tell says now.
    private var said: [String: Notice] = [:]
    private var authors: [InquiryID: String] = [:]
    /// Who has asked for an end.
    private var ender: Ender?
    /// A checkpoint was recommended in this step, for the first time.
    var isRecommended: Bool { recommended != nil }
    private(set) var recommended: String?
    private var recommendations: Set<String> = []
    /// Of those that were asked whether it is, and not yet answered.
    private(set) var inquiries: Set<InquiryID> = []
    /// SIGKILL is out to all that is left of the attempt, or nothing is left.
    private(set) var isCondemned = true

    struct Notice: Equatable {
        var deadline: Int64
        /// Between the end of a final checkpoint's time and that.
        var reserve: Int64
        var action = "terminate"
        /// The same words are the same notice.
        var words = ""

        var saveBy: Int64 { deadline - reserve }
        var killBy: Int64 { deadline - 500_000_000 }
    }

    private enum Ender { case people, notice }

    mutating func follow(_ step: Step) {
        followNotices(step)
        followBefore(step.event)
        for action in step.actions { follow(action, step) }
        followWaiting(step)
        followHeld(step)
        followPause(step)
        switch step.event {
        case .received(.hello(let hello), let connection, _):
            let isWelcome = step.actions.contains {
                if case .send(.welcome, connection, _) = $0 { true } else { false }
            }
            if isWelcome { members[connection] = hello.accepts?.contains("checkpoint") == true }
        default: break
        }
    }

    private mutating func followBefore(_ event: Event) {
        switch event {
        case .spawned: isSpawned = true
        case .outOfMemory: isOutOfMemory = true
        case .jobExited(let end):
            leaderRuns = false
            isHung = false
            isSpawned = false
            isEnding = true
            lastExit = end
            members = [:]
        case .spawnFailed:
            isCondemned = true
            leaderRuns = false
            isSpawned = false
        case .disconnected(let connection): members[connection] = nil
        case .committed(let summary, _): orders.removeAll { $0 == summary.id }
        case .commitFailed(let id, _), .notAdded(let id, _):
            orders.removeAll { $0 == id }
            if open == id { open = nil }
        case .timer(let timer): armed[timer] = nil
        case .stagingMeasured(let id, _): measured.remove(id)
        case .removed(let gone, let held): leaving.subtract(gone + held)
        case .removalFailed(let ids): leaving.subtract(ids)
        case .watched(let files):
            for file in files { watched[file.path] = file.completedAt.nanoseconds }
        case .watchedRenamed(let old, let new): watched[new] = watched.removeValue(forKey: old)
        case .compressed: isCompressing = false
        case .inquiryEnded(let id, _): inquiries.remove(id)
        case .treeGone, .descendantsGone: isCondemned = true
        case .lastRecorded, .recordGivenUp, .filesFlushed, .readersServed, .outputFlushed,
            .outputTaken, .outputDiscarded, .inputSeen, .watchIncomplete, .handlersFound,
            .payloadMoved,
            .acknowledged, .watchFlushed, .requestNotSent, .stoodStill, .examined,
            .onHangEnded, .started, .leftoversEnded, .leftoversUnseen, .verified, .verifying,
            .recorded, .recordFailed, .recordRefused, .recordWritten, .triedAgain,
            .outputTail,
            .received, .noticed, .signal, .stagingMade, .warned, .hindered, .diskFull, .pinsSaved,
            .answered,
            .archives, .archiveRemoved, .archiveTrimmed, .freeSpace, .logsRemoved, .released:
            break
        }
    }

    private mutating func followNotices(_ step: Step) {
        recommended = nil
        switch step.event {
        case .signal(.stop): endIsPeoples()
        case .received(.control(let control), _, _) where control.command == "stop": endIsPeoples()
        case .signal(.preempt):
            guard said["signal"] == nil else { return }
            say("signal", step.settings.preemptGrace.wholeNanoseconds, "terminate", "", step.now)
        case .answered(let id, let answer) where inquiries.contains(id):
            read(answer.headers["means"] ?? "", from: authors[id] ?? "", step)
        default: break
        }
    }

    private mutating func endIsPeoples() {
        if ender != nil { ender = .people }
    }

    private mutating func read(_ means: String, from author: String, _ step: Step) {
        let words = means.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false)
            .map(String.init)
        switch words[0] {
        case "nothing": withdraw(author)
        case "saves-only", "saves":
            if words[0] == "saves-only" { withdraw(author) }
            let identity = words.dropFirst().joined(separator: ":")
            if recommendations.insert(identity).inserted { recommended = identity }
        case "ends":
            // Google tells of it apart, and Azure by what it is.
            let isAzure = step.settings.preempt?.kind == .azure
            let isMaintenance = author == "maintenance" || isAzure && words[2] == "stop"
            let grace =
                isMaintenance ? step.settings.maintenanceGrace : step.settings.preemptGrace
            say(
                author, Int64(words[1]) ?? grace.wholeNanoseconds, words[2], words[3], step.now)
        default: break
        }
    }

    /// Nobody who can tell of a deadline is gone in less than 2 s.
    private mutating func say(
        _ author: String, _ left: Int64, _ action: String, _ words: String, _ now: Int64
    ) {
        let left = max(left, 2_000_000_000)
        var new = Notice(
            deadline: now + left, reserve: min(max(left / 10, 1_000_000_000), 5_000_000_000),
            action: action, words: words)
        if let old = said[author] {
            if old.words == words, old.action == action { return }
            if old.action == action, abs(old.deadline - new.deadline) < 1_000_000_000 {
                new.deadline = min(old.deadline, new.deadline)
                new.reserve = min(old.reserve, new.reserve)
            }
        }
        said[author] = new
        heed()
    }

    private mutating func withdraw(_ author: String) {
        guard said.removeValue(forKey: author) != nil else { return }
        heed()
    }

    /// The earliest deadline counts, then the harshest action. In a stop it only comes closer.
    private mutating func heed() {
        let earliest = said.values.min {
            ($0.deadline, $0.action == "stop" ? 1 : 0) < ($1.deadline, $1.action == "stop" ? 1 : 0)
        }
        guard var first = earliest else {
            if ender != .notice { notice = nil }
            return
        }
        if let known = notice {
            if ender != nil, first.deadline > known.deadline { return }
            if first.deadline < known.deadline { first.reserve = min(first.reserve, known.reserve) }
            if first.deadline == known.deadline, first.words == known.words,
                first.action == known.action
            {
                first.reserve = known.reserve
            }
        }
        notice = first
    }

    /// An end that people ask for is theirs, and the first one that a notice leads to is its own.
    private mutating func followEnder(_ by: String) {
        let people = ["SIGTERM", "SIGINT", "SIGHUP", "control stop"]
        ender = by == "control restart" ? nil : people.contains(by) ? .people : .notice
    }

    private mutating func follow(_ action: Action, _ step: Step) {
        switch action {
        case .inquire(let id, let inquiry):
            inquiries.insert(id)
            var author = "source"
            if case .requests(let all) = inquiry, all.urls[0].contains("maintenance-event") {
                author = "maintenance"
            }
            authors[id] = author
        case .endInquiry(let id): inquiries.remove(id)
        case .killEverything, .endDescendants(.atOnce): isCondemned = true
        case .log(.stopRequested(let told)):
            guard told.count == 1 else { return }
            endPause(step.now)
            followEnder(told.by)
        case .log(.restarting): ender = nil
        case .spawn(let order):
            isCondemned = false
            token = order.token
            leaderRuns = true
            isSpawned = false
            isEnding = false
            open = nil
            openRequest = nil
            hasGivenUp = false
            isOutOfMemory = false
            openRequestIsBySignal = false
            unansweredBySignal = []
            made = []
        case .makeStaging(let id):
            open = id
            if case .received(.begin(let begin), _, _) = step.event {
                requestOf[id] = named(begin.request, step)
            } else if heldBegin != nil {
                requestOf[id] = named(heldRequest, step)
            }
        case .dropStaging(let id):
            if open == id { open = nil }
            orders.removeAll { $0 == id }
        case .commit(let order) where orders.contains(order.id): given.insert(order.id)
        case .add(let order, _) where orders.contains(order.id): given.insert(order.id)
        case .commit(let order):
            if open == order.id { open = nil }
            orders.append(order.id)
            given.insert(order.id)
            if case .received(.commit(let commit), _, _) = step.event,
                let named = named(commit.request, step),
                requestOf[order.id] == nil || named == openRequest
            {
                requestOf[order.id] = named
            }
        case .add(let order, let source):
            orders.append(order.id)
            given.insert(order.id)
            if case .received(.add(let add), _, _) = step.event {
                requestOf[order.id] = named(add.request, step)
            } else {
                if source.rule == nil { repeats.insert(order.id) }
                requestOf[order.id] =
                    source.rule == nil ? nil : answered(by: watched[source.path] ?? 0, step)
            }
        case .send(.checkpointRequest(let wire), _, _):
            openRequest = wire.request
            openRequestIsFinal = wire.final
        case .log(.checkpointRequested(let wire)):
            made.insert(wire.request)
            openRequest = wire.request
            openRequestIsFinal = wire.final
            openRequestMadeAt = step.now
            openRequestIsBySignal = step.actions.contains {
                if case .askBySignal = $0 { true } else { false }
            }
        case .log(.requestEnded(let ended)):
            if openRequestIsBySignal, ended.result == .unanswered {
                unansweredBySignal.insert(ended.request)
            }
        case .setTimer(let timer, let at): armed[timer] = at.nanoseconds
        case .cancelTimer(let timer): armed[timer] = nil
        case .holdRecords: holdsRecords = true
        case .releaseRecords: holdsRecords = false
        case .measureStaging(let id): measured.insert(id)
        case .remove(let ids): leaving.formUnion(ids)
        case .verify: notOffered = leaving
        case .compress: isCompressing = true
        case .examine: isHung = true
        case .runOnHang, .endDiagnosis, .saveReport, .askBySignal, .flushWatch, .gatherWatched,
            .watchAgain, .lookForHandlers, .cancelAdd, .exit, .giveUpRecord, .flushFiles,
            .flushOutput, .measureOutput,
            .leaveOutput, .widenReaders, .closeInherited, .tellDiscards, .rewindInput,
            .endLeftovers,
            .cancelVerification, .cancelCompression, .tell, .setAside,
            .record, .send, .close,
            .signalLeader, .pauseJob, .unpauseJob, .endDescendants, .log, .publish,
            .savePins, .acknowledge, .notify, .listArchives, .removeArchive, .trimArchive,
            .measureSpace, .tryAgain, .awaitRelease, .removeLogs, .readLastOutput:
            break
        }
    }

    /// The clock without all pauses.
    func counted(_ now: Int64) -> Int64 { (pausedAt ?? now) - paused }

    private mutating func followPause(_ step: Step) {
        switch step.event {
        case .received(.control(let control), let sender, _):
            let isDone = step.sends { if case .ok = $0 { true } else { false } }.contains(sender)
            switch control.command {
            // On a machine that is taken away there may be no time for one.
            case "pause" where isDone && !step.actions.contains(where: \.beginsStop):
                pausedAt = pausedAt ?? step.now
            case "unpause", "stop": endPause(step.now)
            case "restart" where step.takesOver(from: sender): endPause(step.now)
            default: break
            }
        case .signal(.stop), .signal(.hangUp): endPause(step.now)
        case .received(.giveUp, let sender, _): if members[sender] != nil { hasGivenUp = true }
        default: break
        }
    }

    private mutating func endPause(_ now: Int64) {
        guard let since = pausedAt else { return }
        pausedAt = nil
        paused += now - since
    }

    mutating func stoodStill(for time: Int64) {
        if pausedAt == nil { paused += time }
    }

    private mutating func followHeld(_ step: Step) {
        guard step.supervisor.heldBegin != nil else {
            heldBegin = nil
            heldRequest = nil
            return
        }
        if case .received(.begin(let begin), let connection, _) = step.event,
            step.supervisor.heldBegin?.connection == connection
        {
            heldBegin = counted(step.now)
            heldRequest = begin.request
        }
    }

    /// When the job began what is staged in this step.
    func beganAt(_ step: Step) -> Int64 {
        if case .received(.begin, _, _) = step.event { return counted(step.now) }
        return heldBegin ?? counted(step.now)
    }

    /// What was received in this step and waits behind others, or a watched file that gives way to a newer
    /// one before its turn.
    private mutating func followWaiting(_ step: Step) {
        let unfinished = step.supervisor.committing
        orders.removeAll { id in
            !given.contains(id) && watching.contains(id) && !unfinished.contains { $0.id == id }
        }
        for commit in unfinished where !orders.contains(commit.id) {
            if open == commit.id { open = nil }
            orders.append(commit.id)
            if let file = commit.watched {
                watching.insert(commit.id)
                if file.isRepeat { repeats.insert(commit.id) }
                requestOf[commit.id] =
                    file.isRepeat ? nil : answered(by: watched[file.path] ?? 0, step)
                continue
            }
            guard case .received(let message, _, _) = step.event else { continue }
            switch message {
            case .commit(let said):
                if let named = named(said.request, step),
                    requestOf[commit.id] == nil || named == openRequest
                {
                    requestOf[commit.id] = named
                }
            case .add(let add): requestOf[commit.id] = named(add.request, step)
            default: break
            }
        }
    }

    private func isOpen(_ step: Step) -> Bool {
        openRequest != nil && step.supervisor.openRequest?.number == openRequest
    }

    /// Who was asked by a signal knows no number.
    private func named(_ request: Int?, _ step: Step) -> Int? {
        if request == nil, openRequestIsBySignal, isOpen(step) { return openRequest }
        return known(request)
    }

    private mutating func answered(by completedAt: Int64, _ step: Step) -> Int? {
        if isOpen(step) {
            let isAnswered = orders.dropLast().contains { requestOf[$0] == openRequest }
            let answers = openRequestIsBySignal && completedAt >= openRequestMadeAt
            return answers && !isAnswered ? openRequest : nil
        }
        return unansweredBySignal.max().map { unansweredBySignal.remove($0) } ?? nil
    }

    private func known(_ request: Int?) -> Int? {
        request.flatMap { made.contains($0) ? $0 : nil }
    }
}
