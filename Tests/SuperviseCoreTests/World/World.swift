import SuperviseCore
import SuperviseFormats

/// A machine, its disk, a job and the people around them, played from one seed.
///
/// It carries out what the supervisor decides as a real host would: later, in any order that is
/// allowed, and not always with success. ``Witness`` looks on and checks after every step.
final class World {
    let plan: Plan
    var chance: Chance
    var settings: Settings
    var now: Int64 = 1_000_000_000
    var queue = EventQueue<Happening>()
    var steps = 0
    var isTracing: Bool
    var trace: [String] = []
    /// Of every event and action so far; nil unless somebody wants to compare histories.
    var digest: HistoryDigest?

    var supervisor: Supervisor?
    /// Of supervisors, from 1.
    var generation = 0
    var bootID = 1
    var guardLives = false
    var isEndingLeftovers = false
    /// Set once the run has completed or nobody starts it again.
    var isOver = false
    var completed = false

    var input = SimulatedInput(.other, isOpen: false)
    var disk = Disk()
    /// Whether the running supervisor was started with archived runs.
    var mayHaveArchives = false
    var trees: [Tree] = []
    var job: Job?
    /// The machine is short of something until then.
    var shortUntil: Int64 = 0
    /// The order to end what a leader has left has met processes that nobody could see.
    var isHidden = false
    /// SIGKILL to everything has not reached those that nobody could see.
    var hasMissedSome = false
    /// The order to pause the job has met processes that nobody could see.
    var missesPause = false
    /// The newest attempt that the running supervisor has ordered.
    var lastOrder: Int?
    /// What the guard of the last supervisor has noted.
    var notedAttempt: Int?
    var lastUrgency = Action.Urgency.atOnce
    var links: [Int: Link] = [:]
    var nextSeq: Int64 = 1
    var files: [WrittenFile] = []
    /// When each timer fires, and which setting of it that is.
    var timers: [TimerID: (at: Int64, serial: Int)] = [:]
    var timerSerial = 0
    var cancelledVerification = 0
    var isCompressionCancelled = false
    var compressing: CheckpointID?
    /// Somebody waits until that is over.
    var awaitedCompression = false
    var cloud = Cloud()
    /// What a look at a job that hangs will give, and which one it is.
    var diagnosis: (answer: Event, serial: Int)?
    var diagnosisSerial = 0
    var witness: Witness

    enum Happening {
        case start
        case tell(Event, generation: Int)
        case timer(TimerID, serial: Int)
        case message(JobMessage, link: Int, seq: Int64?)
        case hangUp(link: Int)
        case recordWritten(generation: Int)
        case commitDone(generation: Int)
        case answer(SupervisorMessage, link: Int)
        case verify(CheckpointID, trusting: Bool, generation: Int, serial: Int)
        case compressionDone(CheckpointID, generation: Int)
        case readerEnds(CheckpointID, generation: Int)
        case leaderDies(tree: Int, JobEnd)
        case descendantDies(tree: Int, Int)
        case jobStarts(Job)
        case jobTicks(Job)
        case poisonStrikes(Job, Disk.Poison)
        case jobCommits(Job, id: CheckpointID, request: Int?)
        case jobBegins(Job, request: Int?)
        case jobWrites(Job)
        case shardComes(WatchedFile, Job)
        case fileSettles(Int, generation: Int)
        case filesFlushed(generation: Int)
        case diagnosed(serial: Int)
        case outsideActs
        case cloudSpeaks(InquiryID, generation: Int)
        case machineIsTaken(bootID: Int, at: Int64)
        case check
    }

    init(seed: UInt64, isTracing: Bool) {
        var chance = Chance(seed: seed)
        plan = Plan(&chance)
        settings = plan.settings
        self.chance = chance
        self.isTracing = isTracing
        witness = Witness()
        makeArchives()
    }

    var isCalm: Bool { now >= plan.calmFrom || steps > plan.maximalSteps }

    var moment: Moment {
        Moment(
            instant: Instant(nanoseconds: now),
            wall: Timestamp(milliseconds: 1_790_000_000_000 + now / 1_000_000))
    }

    /// Plays until the end.
    ///
    /// - Returns: what was broken, nil where every promise was kept.
    func play() -> Violation? {
        put(.start, after: 0)
        put(.outsideActs, after: chance.wait(10, 5_000))
        do throws(Violation) {
            while !isOver, let next = queue.next() {
                now = max(now, next.at)
                if case .cloudSpeaks = next.happening {
                } else if !isOfFlood(next.happening) {
                    steps += 1
                }
                try happen(next.happening)
                try witness.look(at: self)
                if steps > plan.maximalSteps + 1_500 {
                    throw Violation("liveness", "a history without faults comes to no end")
                }
            }
            try witness.finish(self)
            return nil
        } catch {
            return error
        }
    }

    func put(_ happening: Happening, after wait: Int64) {
        queue.put(happening, at: now + wait)
    }

    /// An event for the supervisor that runs now.
    func later(_ event: Event, after wait: Int64) {
        put(.tell(event, generation: generation), after: wait)
    }

    func note(_ text: @autoclosure () -> String) {
        guard isTracing else { return }
        trace.append("\(Double(now / 1000) / 1e6) s  \(text())")
    }

    private func happen(_ happening: Happening) throws(Violation) {
        switch happening {
        case .start: try start()
        case .tell(let event, let generation):
            if generation == self.generation { try tell(event) }
        case .timer(let timer, let serial):
            guard timers[timer]?.serial == serial else { return }
            timers[timer] = nil
            try tell(.timer(timer))
        case .message(let message, let link, let seq): try deliver(message, link, seq)
        case .hangUp(let link): try hangUp(link)
        case .recordWritten(let generation):
            if generation == self.generation { try recordWritten() }
        case .commitDone(let generation):
            if generation == self.generation { commitDone() }
        case .answer(let message, let link):
            if !postpones(happening, of: job) { hear(message, on: link) }
        case .verify(let id, let trusting, let generation, let serial):
            if generation == self.generation, serial == cancelledVerification {
                if !isCalm, now < shortUntil {
                    return try tell(.verified(id, .shortage("open: no descriptor")))
                }
                try tell(.verified(id, inspect(id, trusting: trusting)))
            }
        case .compressionDone(let id, let generation):
            if generation == self.generation { try compressionDone(id) }
        case .readerEnds(let id, let generation):
            if generation == self.generation { try readerEnds(id) }
        case .leaderDies(let tree, let end):
            if !postponesEnd(tree, end, happening) { leaderDies(tree, end) }
        case .descendantDies(let tree, let index): descendantDies(tree, index)
        case .jobStarts(let job): try jobStarts(job)
        case .jobTicks(let job):
            if !postpones(happening, of: job) { tick(job) }
        case .poisonStrikes(let job, let poison):
            if !postpones(happening, of: job) { strike(job, poison) }
        case .jobCommits(let job, let id, let request):
            if !postpones(happening, of: job) { commit(job, id, request) }
        case .jobBegins(let job, let request):
            if !postpones(happening, of: job) { begin(job, request) }
        case .jobWrites(let job):
            if !postpones(happening, of: job) { write(job) }
        case .shardComes(let file, let job): addShard(to: file, job)
        case .fileSettles(let index, let generation):
            if generation == self.generation { try fileSettles(index) }
        case .filesFlushed(let generation):
            if generation == self.generation { try filesFlushed() }
        case .diagnosed(let serial): try diagnosed(serial)
        case .outsideActs: try outsideActs()
        case .cloudSpeaks(let id, let generation):
            if generation == self.generation { try cloudSpeaks(id) }
        case .machineIsTaken(let bootID, let at): machineIsTaken(bootID, at: at)
        case .check: break
        }
    }

    /// One step: the supervisor decides, the witness judges, the world obeys.
    func tell(_ event: Event) throws(Violation) {
        guard supervisor != nil else { return }
        note("EVENT \(event)")
        if case .signal(.preempt) = event {
            cloud.isSignalled = true
            cutOff(after: settings.preemptGrace.wholeNanoseconds)
        }
        let actions = supervisor?.handle(event, at: moment) ?? []
        digest?.add(event, actions)
        for action in actions { note("    -> \(brief(action))") }
        try witness.judge(event, actions, self)
        let dies = !isCalm && chance.happens(plan.killsMidStep)
        let carriedOut = dies ? chance.number(0...actions.count) : actions.count
        for action in actions.prefix(carriedOut) {
            try carryOut(action)
            if supervisor == nil { break }
        }
        if dies, supervisor != nil { killSupervisor() }
    }

    private func brief(_ action: Action) -> String {
        switch action {
        case .record(let record, let confirm):
            "record confirm=\(confirm) attempt=\(record.attempt) commits=\(record.commits) "
                + "sequence=\(record.sequence) current=\(String(describing: record.current)) "
                + "failures=\(record.failures.withoutProgress) \(record.failures.suspects) "
                + "outcome=\(String(describing: record.outcome?.kind))"
        case .publish(let status): "publish \(status.phase) \(status.requests)"
        default: "\(action)"
        }
    }
}

/// A promise that was broken, and how.
struct Violation: Error, CustomStringConvertible {
    let promise: String
    let what: String

    init(_ promise: String, _ what: String) {
        self.promise = promise
        self.what = what
    }

    var description: String { "\(promise): \(what)" }
}
