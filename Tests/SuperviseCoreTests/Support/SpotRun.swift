import Glibc
import SuperviseCore
import SuperviseFormats

/// A job on a machine that is taken away, with the real supervisor beside it, played from one seed.
///
/// The job saves between two steps, and does nothing else meanwhile. What a save takes varies around
/// a mean as those of real jobs do, and is known from up to 20 that went before.
struct SpotRun {
    struct Result {
        /// From the notice until the machine is gone, in seconds.
        var left = 0.0
        /// Asked at once, the job could have saved in time.
        var couldBeSaved = false
        var isSaved = false
        var outlivesItsMachine = false
        /// After the notice, until the final save, in seconds.
        var worked = 0.0
        /// The most that this could have been.
        var workable = 0.0
        var ending: Action.Ending?
    }

    private enum Happening {
        case tell(Event)
        case timer(TimerID, Int)
        case stepEnds
        case isWritten(CheckpointID)
        case dies(Int32)
        case machineIsTaken
        case gone
    }

    private(set) var result = Result()
    private(set) var trace: [String] = []
    private var isTracing = false
    private var chance: Chance
    private var supervisor: Supervisor
    private var now: Int64 = 0
    private var queue = EventQueue<Happening>()
    private var serial = 0
    private var timers: [TimerID: Int] = [:]

    /// Of a save, in seconds.
    private let mean: Double
    private let pace: Double
    private let tellsOfSteps: Bool
    /// It goes on when it is told to end.
    private let isStubborn: Bool
    private let isToldBySignal: Bool
    private let finalSave: Double
    private var lives = false
    private var isTold = false
    private var step: Int64 = 0
    private var asked: Int?
    private var askedForFinal = false
    /// The request that it is saving for.
    private var answering: Int?
    private var stepBegan: Int64 = 0
    /// When the job can next do something else.
    private var busyUntil: Int64 = 0
    private var noticedAt: Int64?
    private var finalBegan: Int64?

    init(seed: UInt64, isTracing: Bool = false) {
        var chance = Chance(seed: seed)
        self.isTracing = isTracing
        mean = Self.between(0.1, 25, &chance)
        pace = Self.between(0.5, 5, &chance)
        tellsOfSteps = chance.happens(0.8)
        isStubborn = chance.happens(0.3)
        isToldBySignal = chance.happens(0.5)
        finalSave = Self.noisy(mean, &chance)
        result.left = 10 + 110 * chance.share()
        var settings = Settings()
        settings.checkpointEvery =
            chance.happens(0.2)
            ? .off : chance.happens(0.3) ? .auto : .every(.seconds(Self.between(5, 600, &chance)))
        settings.stopTimeout = .seconds(Self.between(0.5, 30, &chance))
        settings.preemptGrace = .seconds(result.left)
        settings.preempt = ShellWords("watch").map { .program($0) }
        var record = Desk.record()
        let known = chance.happens(0.3) ? chance.number(0...2) : chance.number(3...20)
        // Asked in the middle of a step, it waits for the end of that.
        let waits = settings.checkpointEvery != .off && chance.happens(0.7)
        for _ in 0..<known {
            let wait = waits ? pace * chance.share() : 0
            record.experience.measure(cost: wait + Self.noisy(mean, &chance))
        }
        let found = Supervisor.Found(record: record, checkpoints: [])
        supervisor = Supervisor(
            settings: settings, found: found, seed: chance.seed(),
            at: Moment(instant: Instant(nanoseconds: 0), wall: .zero))
        let notice = 1 + 60 * chance.share()
        self.chance = chance
        queue.put(.tell(.started), at: 0)
        let line = #"{"deadline_s":\#(result.left)}"#
        let event = Event.answered(InquiryID(1), .init(body: line))
        let told = isToldBySignal ? Event.signal(.preempt(name: "SIGUSR2")) : event
        queue.put(.tell(told), at: Int64(notice * 1e9))
        queue.put(.machineIsTaken, at: Int64((notice + result.left) * 1e9))
    }

    /// Short ones as often as long ones, whatever their size.
    private static func between(
        _ low: Double, _ high: Double, _ chance: inout Chance
    ) -> Double {
        low * exp(log(high / low) * chance.share())
    }

    /// Log-normal, with a sigma of 0.25.
    private static func noisy(_ mean: Double, _ chance: inout Chance) -> Double {
        let normal = (-2 * log(1 - chance.share())).squareRoot() * cos(2 * .pi * chance.share())
        return mean * exp(0.25 * normal)
    }

    mutating func play() {
        var count = 0
        // One that comes to no end is seen by how it ends.
        while result.ending == nil, count < 20_000, let next = queue.next() {
            count += 1
            now = max(now, next.at)
            happen(next.happening)
        }
    }

    private mutating func happen(_ happening: Happening) {
        switch happening {
        case .tell(let event): tell(event)
        case .timer(let timer, let serial):
            if timers[timer] == serial { tell(.timer(timer)) }
        case .stepEnds: if lives { stepEnds() }
        case .isWritten(let id): if lives { say(.commit(.init(id: id))) }
        case .dies(let signal):
            guard lives else { return }
            lives = false
            let name = signal == 9 ? "SIGKILL" : "SIGTERM"
            tell(.jobExited(.signaled(number: Int(signal), name: name)))
        case .machineIsTaken:
            result.outlivesItsMachine = lives
            if isTracing { trace.append("\(now) THE MACHINE IS TAKEN, the job lives: \(lives)") }
            put(.gone, after: 5)
        case .gone: result.ending = .refused("the machine was taken away")
        }
    }

    private mutating func put(_ happening: Happening, after seconds: Double) {
        queue.put(happening, at: now + Int64(seconds * 1e9))
    }

    private mutating func say(_ message: JobMessage) {
        tell(.received(message, from: ConnectionID(1), seq: nil))
    }

    private mutating func tell(_ event: Event) {
        note(event)
        let moment = Moment(
            instant: Instant(nanoseconds: now), wall: Timestamp(milliseconds: now / 1_000_000))
        let actions = supervisor.handle(event, at: moment)
        if isTracing {
            trace.append("\(Double(now / 1000) / 1e6) \(event)")
            for action in actions {
                if case .publish = action { continue }
                trace.append("    -> \(action)")
            }
        }
        for action in actions { carryOut(action) }
        switch event {
        case .spawned:
            lives = true
            say(.hello(.init(token: supervisor.attempt?.token ?? "", accepts: ["checkpoint"])))
            beginStep()
        case .committed: if lives { goOn() }
        default: break
        }
    }

    /// What could be done from now on.
    private mutating func note(_ event: Event) {
        switch event {
        case .signal(.preempt), .answered: noticedAt = now
        default: return
        }
        let reserve = min(max(result.left / 10, 1), 5)
        let last = Double(now) / 1e9 + result.left - reserve
        let first = Double(max(busyUntil, now)) / 1e9
        // The supervisor's own part takes some milliseconds.
        result.couldBeSaved = first + finalSave + 0.02 < last
        result.workable = max(0, last - finalSave - Double(now) / 1e9)
    }

    private mutating func beginStep() {
        let time = pace * (0.9 + 0.2 * chance.share())
        stepBegan = now
        busyUntil = now + Int64(time * 1e9)
        put(.stepEnds, after: time)
    }

    private mutating func stepEnds() {
        step += 1
        if let noticedAt, finalBegan == nil {
            result.worked += Double(now - max(stepBegan, noticedAt)) / 1e9
        }
        if tellsOfSteps { say(.progress(.init(step: step))) }
        goOn()
    }

    private mutating func goOn() {
        if asked != nil {
            if askedForFinal { finalBegan = now }
            let request = asked
            asked = nil
            answering = request
            say(.begin(.init(step: step, request: request)))
        } else if isTold, !isStubborn {
            put(.dies(15), after: 0.05)
        } else {
            beginStep()
        }
    }

    private mutating func carryOut(_ action: Action) {
        switch action {
        case .record(_, confirm: true), .flushFiles, .flushOutput, .measureOutput, .acknowledge,
            .giveUpRecord:
            for answer in action.answersAtEnd { put(.tell(answer), after: 0.001) }
        case .spawn: put(.tell(.spawned(pid: 100)), after: 0.001)
        case .setTimer(let timer, let at):
            serial += 1
            timers[timer] = serial
            queue.put(.timer(timer, serial), at: max(at.nanoseconds, now))
        case .cancelTimer(let timer): timers[timer] = nil
        case .send(let message, _, _): hear(message)
        case .signalLeader(15): if !isStubborn { put(.dies(15), after: 0.05) }
        case .killEverything: put(.dies(9), after: 0.001)
        case .makeStaging(let id): put(.tell(.stagingMade(id, path: "/s")), after: 0.001)
        case .measureStaging(let id):
            let size = Event.StagingSize(bytes: now, files: 1)
            put(.tell(.stagingMeasured(id, size)), after: 0.001)
        case .commit(let order):
            let left = max(0, Double(busyUntil - now) / 1e9)
            put(
                .tell(.committed(Desk.summary(order.id), seconds: order.secondsSoFar + left)),
                after: left)
        case .remove(let ids): put(.tell(.removed(ids, held: [])), after: 0.001)
        case .endDescendants: put(.tell(.descendantsGone), after: 0.001)
        case .exit(let ending):
            result.ending = ending
            let moment = Moment(instant: Instant(nanoseconds: now), wall: .zero)
            let told = supervisor.status(at: moment).preemption?.notice
            result.isSaved = told?.lostSeconds == 0
        default: break
        }
    }

    private mutating func hear(_ message: SupervisorMessage) {
        switch message {
        case .checkpointRequest(let wire):
            // It is saving for that one, which becomes the last.
            if wire.request == answering, lives, now < busyUntil { return }
            asked = wire.request
            askedForFinal = wire.final
        case .began(let began):
            // A tenth of it is the disk's.
            let time = finalBegan == nil ? Self.noisy(mean, &chance) : finalSave
            busyUntil = now + Int64(time * 1e9)
            put(.isWritten(began.id), after: 0.9 * time)
        case .stop: isTold = true
        default: break
        }
    }
}
