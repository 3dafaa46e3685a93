import SuperviseFormats

/// How long a job has shown no sign that it still works.
///
/// Signs are only noted; how long there was none is computed when the timer goes off. All instants
/// here are of ``Moment/counted``, the time in which the job could do something. Of that,
/// - without a checkpoint, the time since the last sign of life and the last step forward counts,
///   from the start of the attempt on, whether the job has said hello or not;
/// - while a checkpoint is open, only the time since it has last grown;
/// - while a commit is being carried out, which the job may wait for, none.
struct SignsOfLife: Equatable, Sendable {
    typealias Cause = RunEvent.Hung.Cause

    /// What the job is waited for, which decides what time counts.
    enum Mode: Equatable, Sendable {
        /// Nothing: it is not there yet, or it was asked to end, or is known to hang.
        case nothing
        case signs
        case growth(of: CheckpointID)
        /// The disk is at work for it.
        case disk
    }

    struct Limits: Equatable, Sendable {
        var heartbeat: Duration?
        var progress: Duration?
        var growth: Duration
    }

    struct Due: Equatable, Sendable {
        var cause: Cause
        /// Until it is a hang; nothing, or less, if it is one.
        var wait: Duration
        /// How long there was no sign.
        var silent: Duration
        /// What has not grown, if it is a checkpoint.
        var checkpoint: CheckpointID?
    }

    private let limits: Limits
    private var mode = Mode.nothing
    private var work = Stopwatch()
    private var saving = Stopwatch()
    private var lastSign = Duration.zero
    private var lastStep = Duration.zero
    private var lastGrowth = Duration.zero
    private var hasShownSign = false
    private var hasStepped = false
    private var highestStep: Int64?
    /// The size of its staging directory is being measured.
    private(set) var measuring: CheckpointID?
    private var measured = Event.StagingSize.empty

    init(_ limits: Limits) {
        self.limits = limits
    }

    /// To be called after everything that may change what is waited for.
    mutating func follow(_ mode: Mode, at now: Instant) {
        guard mode != self.mode else { return }
        self.mode = mode
        work.run(mode == .signs, at: now)
        guard case .growth = mode else {
            saving.run(false, at: now)
            measuring = nil
            return
        }
        saving.run(true, at: now)
        measuring = nil
        measured = .empty
        lastGrowth = saving.reading(at: now)
    }

    /// The job has said something, whatever it is.
    mutating func signOfLife(at now: Instant) {
        hasShownSign = true
        lastSign = work.reading(at: now)
        // Without a limit for progress, a sign of life is enough while it saves.
        if limits.progress == nil { lastGrowth = saving.reading(at: now) }
    }

    /// - Parameter step: nil where the job gives none, and has done something all the same.
    mutating func stepped(to step: Int64?, at now: Instant) {
        if let step {
            if let highestStep, step <= highestStep { return }
            highestStep = step
        }
        hasStepped = true
        lastStep = work.reading(at: now)
    }

    /// We had stopped for a while, so the signs of that time were missed.
    mutating func startAnew(at now: Instant) {
        lastSign = work.reading(at: now)
        lastStep = lastSign
        lastGrowth = saving.reading(at: now)
    }

    mutating func measure(_ id: CheckpointID) {
        measuring = id
    }

    /// - Returns: whether it was this that was waited for.
    mutating func wasMeasured(
        _ id: CheckpointID, _ size: Event.StagingSize, at now: Instant
    ) -> Bool {
        guard mode == .growth(of: id) else { return false }
        defer { measuring = nil }
        if size.bytes > measured.bytes || size.files > measured.files {
            measured = size
            lastGrowth = saving.reading(at: now)
        }
        return measuring == id
    }

    /// What is waited for next; nil where nothing is.
    func next(at now: Instant) -> Due? {
        switch mode {
        case .nothing, .disk: return nil
        case .growth(let id):
            let silent = saving.reading(at: now) - lastGrowth
            return Due(
                cause: .checkpoint, wait: limits.growth - silent, silent: silent, checkpoint: id)
        case .signs:
            let worked = work.reading(at: now)
            let signs = [
                (Cause.heartbeat, limits.heartbeat, lastSign),
                (Cause.progress, limits.progress, lastStep),
            ]
            return signs.compactMap { cause, limit, last in
                limit.map { Due(cause: cause, wait: $0 - (worked - last), silent: worked - last) }
            }.min { $0.wait < $1.wait }
        }
    }

    /// There was never a sign of this kind.
    func isFirst(_ cause: Cause) -> Bool {
        switch cause {
        case .heartbeat: !hasShownSign
        case .progress: !hasStepped
        case .checkpoint: false
        }
    }
}

/// How long something has lasted, over several times.
private struct Stopwatch: Equatable, Sendable {
    private var total = Duration.zero
    private var since: Instant?

    func reading(at now: Instant) -> Duration {
        total + (since.map { now - $0 } ?? .zero)
    }

    mutating func run(_ isRunning: Bool, at now: Instant) {
        total = reading(at: now)
        since = isRunning ? now : nil
    }
}
