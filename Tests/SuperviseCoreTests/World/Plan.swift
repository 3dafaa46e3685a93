import SuperviseCore
import SuperviseFormats

/// How a history goes wrong: half of the faults are absent from it, the others are its weather.
struct Plan {
    var settings = Settings()
    var manager: ServiceManager?
    var resumesElsewhere: Double
    /// When the faults end and whoever still runs must come to a good end, in nanoseconds.
    var calmFrom: Int64
    var maximalSteps = 220

    /// It tells nobody how far it is, saves nothing, and perhaps fails always after this time.
    var isSilent: Bool
    var diesAfter: Int64?
    /// A crash is one for lack of memory.
    var outOfMemory: Double
    var crash: Double
    var crashesAtStart: Double
    var exitsWell: Double
    var hang: Double
    var deaf: Double
    var accepts: Double
    var ignoresRequest: Double
    var isSlow: Double
    /// It looks whether it is asked only so often, in nanoseconds; 0 is always.
    var looksEvery: Int64
    /// It says how long it was held up.
    var tellsBlocked: Double
    var failsToSave: Double
    var nonsense: Double
    var comesAndGoes: Double
    /// It begins the next checkpoint right after a commit.
    var savesOnAndOn: Double
    /// It floods the socket.
    var floods: Double
    var ignoresSigterm: Double
    var descendants: Double
    /// What looks at a job that hangs hangs with it.
    var diagnosisHangs: Double
    var unkillable: Double

    /// It writes files by itself.
    var writesFiles: Double
    var naming = Naming.step
    /// Something is added to what it has written, after that was taken.
    var addsLate: Double

    /// What the numbers in the names of its files are.
    enum Naming: CaseIterable {
        /// Its step, and with it they rise.
        case step
        /// Two that take turns.
        case turns
        /// A count that each attempt begins again.
        case again
        /// Always the same.
        case version
    }

    /// Its output passes through the supervisor.
    var passesOutput: Bool
    /// What standard input is.
    var input = SimulatedInput.Kind.other

    var stagingFails: Double
    var commitFails: Double
    var commitIsSlow: Double
    var recordFails: Double
    var recordIsSlow: Double
    var spawnFails: Double
    /// The machine is short of processes, memory or descriptors: for so long at most, in nanoseconds.
    var shortages: Double
    var shortageLasts: Int64
    /// Nobody can look at the processes for a moment.
    var hidesProcesses: Double
    var rot: Double
    var unreadable: Double
    var readers: Double
    var diskIsFull: Double
    /// The disk is as large as so many checkpoints, and the job finds it full; 0 is without an end.
    var diskSize: Int
    var poison: Double

    var givesUp: Double
    var restarts: Double
    /// With its supervisor, by Ctrl-Z.
    var standsStill: Double

    var signals: Double
    var operators: Double
    var strangers: Double
    var killsSupervisor: Double
    var killsMidStep: Double
    var guardDies: Double
    var powerCuts: Double
    var startsAgain: Double

    var notices: Double
    var recommendations: Double
    /// A notice says something else after a while, or is withdrawn.
    var noticeChanges: Double
    var sourceFails: Double
    var lies: Double
    /// Of the clock of whoever is asked, in seconds.
    var skew = 0.0

    init(_ chance: inout Chance) {
        func sometimes(_ most: Double) -> Double {
            chance.happens(0.5) ? 0 : most * chance.share()
        }
        resumesElsewhere = sometimes(0.3)
        calmFrom = chance.wait(5_000, 900_000)
        isSilent = chance.happens(0.2)
        diesAfter = isSilent && chance.happens(0.5) ? chance.wait(1_000, 60_000) : nil
        outOfMemory = sometimes(0.5)
        crash = sometimes(0.2)
        crashesAtStart = sometimes(0.9)
        exitsWell = sometimes(0.03)
        hang = sometimes(0.03)
        deaf = sometimes(0.5)
        accepts = chance.happens(0.9) ? 0.95 : 0.3
        ignoresRequest = sometimes(0.7)
        isSlow = sometimes(0.5)
        looksEvery = chance.happens(0.6) ? 0 : chance.wait(100, 60_000)
        tellsBlocked = sometimes(1)
        failsToSave = sometimes(0.4)
        nonsense = sometimes(0.3)
        comesAndGoes = sometimes(0.2)
        savesOnAndOn = sometimes(0.95)
        floods = sometimes(0.3)
        ignoresSigterm = sometimes(0.9)
        descendants = sometimes(0.9)
        diagnosisHangs = sometimes(0.9)
        unkillable = chance.happens(0.7) ? 0 : 0.5 * chance.share()
        writesFiles = chance.happens(0.5) ? 0 : 0.1 + 0.9 * chance.share()
        addsLate = sometimes(0.5)
        if chance.happens(0.4) { naming = Naming.allCases[chance.number(0...3)] }
        stagingFails = sometimes(0.3)
        commitFails = sometimes(0.5)
        commitIsSlow = sometimes(0.5)
        recordFails = chance.happens(0.1) ? 0.95 : sometimes(0.2)
        recordIsSlow = sometimes(0.5)
        spawnFails = sometimes(0.3)
        shortages = sometimes(0.3)
        shortageLasts = chance.wait(50, chance.happens(0.5) ? 2_000 : 400_000)
        hidesProcesses = sometimes(0.5)
        rot = sometimes(0.05)
        unreadable = chance.happens(0.6) ? 0 : 0.1 * chance.share()
        readers = sometimes(0.5)
        diskIsFull = sometimes(0.3)
        diskSize = chance.happens(0.6) ? 0 : chance.number(3...8)
        poison = sometimes(0.6)
        givesUp = sometimes(0.03)
        restarts = sometimes(1)
        standsStill = sometimes(0.1)
        signals = chance.happens(0.3) ? 0.4 * chance.share() : sometimes(0.04)
        operators = sometimes(0.15)
        strangers = sometimes(0.1)
        killsSupervisor = sometimes(0.02)
        killsMidStep = sometimes(0.01)
        guardDies = sometimes(0.9)
        powerCuts = sometimes(0.5)
        startsAgain = sometimes(1)
        notices = chance.happens(0.2) ? 0.5 * chance.share() : sometimes(0.1)
        recommendations = sometimes(0.1)
        noticeChanges = sometimes(0.6)
        sourceFails = sometimes(0.6)
        lies = sometimes(0.9)
        passesOutput = chance.happens(0.5)
        input = SimulatedInput.Kind.allCases[chance.number(0...3)]
        skew = chance.happens(0.5) ? 0 : Double(chance.number(-100_000...100_000))
        settings = Self.settings(&chance)
        if chance.happens(0.3) {
            let watchdog = chance.wait(1_000, 200_000)
            manager = ServiceManager(
                watchdog: chance.happens(0.5) ? nil : .nanoseconds(watchdog))
        }
        if isSilent {
            accepts = 0
            nonsense = 0
            writesFiles = 0
        }
        if writesFiles > 0 {
            settings.watch = [WatchPattern("/out/*")].compactMap { $0 }
            settings.watchMode = AddMode.allCases[chance.number(0...3)]
        }
        if !isSilent, chance.happens(0.4) {
            settings.requestSignal = .init(number: 12, name: "SIGUSR2")
        }
    }

    private static func settings(_ chance: inout Chance) -> Settings {
        var settings = Settings()
        settings.checkpointEvery =
            chance.happens(0.3)
            ? .off : chance.happens(0.3) ? .auto : .every(.nanoseconds(chance.wait(500, 60_000)))
        settings.checkpointTimeout = .nanoseconds(chance.wait(200, 60_000))
        settings.stopTimeout =
            chance.happens(0.1) ? .zero : .nanoseconds(chance.wait(200, 10_000))
        settings.recordTimeout = .nanoseconds(chance.wait(500, 200_000))
        settings.restart = chance.happens(0.7) ? .onFailure : chance.happens(0.5) ? .always : .never
        settings.fatalExitCodes = chance.happens(0.3) ? Set(3...30) : []
        settings.retention = rules(&chance)
        settings.keepArchived = chance.number(0...4)
        settings.maxFailures = chance.number(1...5)
        settings.healthyAfter = .nanoseconds(chance.wait(500, 60_000))
        if chance.happens(0.2) { settings.gaveUpExitCode = 99 }
        settings.rollbackAfter = chance.number(1...3)
        let first = chance.happens(0.3) ? 0 : chance.wait(1, 2_000)
        let longest = chance.happens(0.2) ? first : first + chance.wait(0, 30_000)
        settings.backoff = .nanoseconds(first) ... .nanoseconds(longest)
        if chance.happens(0.3) {
            settings.heartbeatTimeout = .nanoseconds(chance.wait(1_000, 100_000))
        }
        if chance.happens(0.3) {
            settings.progressTimeout = .nanoseconds(chance.wait(1_000, 100_000))
        }
        settings.onHang = chance.happens(0.5) ? ShellWords("look at {pid}") : nil
        settings.onHangTimeout = .nanoseconds(chance.wait(100, 30_000))
        settings.compression = chance.happens(0.5) ? .zstd : nil
        settings.preempt = source(&chance)
        settings.preemptAcknowledges = chance.happens(0.5)
        settings.preemptGrace = .nanoseconds(chance.wait(100, 120_000))
        settings.maintenanceGrace = .nanoseconds(chance.wait(100, 600_000))
        return settings
    }

    private static func rules(_ chance: inout Chance) -> RetentionRules {
        var rules = RetentionRules()
        rules.keepLast = chance.number(1...5)
        guard chance.happens(0.5) else { return rules }
        if chance.happens(0.4) { rules.keepEvery = chance.number(1...40) }
        if chance.happens(0.2) { rules.keepHourly = chance.number(1...3) }
        if chance.happens(0.2) { rules.keepDaily = chance.number(1...3) }
        if chance.happens(0.2) { rules.keepWeekly = chance.number(1...3) }
        if chance.happens(0.4) {
            rules.keepBest = .init(
                count: chance.number(1...3), metric: "loss",
                goal: chance.happens(0.5) ? .min : .max)
        }
        if chance.happens(0.1) { rules.maxAge = .nanoseconds(chance.wait(1_000, 500_000)) }
        if chance.happens(0.1) { rules.maxBytes = Int64(chance.number(0...90)) }
        return rules
    }

    private static func source(_ chance: inout Chance) -> PreemptSource? {
        switch chance.number(0...7) {
        case 0: .aws(base: PreemptSource.base)
        case 1: .gcp(base: PreemptSource.base)
        case 2: .azure(base: PreemptSource.base)
        case 3: ShellWords("watch --closely").map { .program($0) }
        default: nil
        }
    }
}
