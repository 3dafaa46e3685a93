import SuperviseFormats

/// How far the job is, as it reports it, and what the status shows of that.
struct JobProgress: Sendable {
    private var reported = Status.Progress()
    /// How far the verification of a checkpoint is; nil while there is nothing to tell.
    private var verification: String?
    private var hasWarnedOfMetrics = false

    /// Seconds for a step, over this attempt; nil where that is not known.
    var stepTime: Double? { reported.rate.map { 1 / $0 } }

    /// - Parameters:
    ///   - first: the first step that this attempt reported, and when.
    ///   - counted: now, of the job's own time.
    mutating func take(
        _ report: JobMessage.ProgressReport, since first: (step: Int64, at: Instant)?,
        at counted: Instant
    ) {
        reported.first = report.first ?? reported.first
        reported.total = report.total ?? reported.total
        reported.unit = report.unit?.bounded ?? reported.unit
        reported.message = report.message?.bounded ?? reported.message
        if let metrics = report.metrics { reported.keep(metrics.values) }
        if let step = report.step, let first { stepped(to: step, since: first, at: counted) }
        reported.fraction = ProgressFraction.of(
            step: reported.step, first: reported.first, total: reported.total)
    }

    private mutating func stepped(
        to step: Int64, since first: (step: Int64, at: Instant), at counted: Instant
    ) {
        reported.step = step
        let seconds = (counted - first.at).seconds
        reported.rate =
            seconds > 0 && step > first.step
            ? (Double(step) - Double(first.step)) / seconds : nil
        if let total = reported.total, total > 0 {
            reported.eta = reported.rate.map { max(0, Double(total) - Double(step)) / $0 }
        }
    }

    /// A job without the protocol says how it is; an empty text says nothing.
    mutating func say(_ text: String) {
        reported.message = text.isEmpty ? nil : text.bounded
    }

    /// The speed of the attempt before is not that of the next one.
    mutating func attemptBegins() {
        reported.rate = nil
        reported.eta = nil
    }

    mutating func warnOfDropped(_ metrics: Metrics?, _ orders: inout Orders) {
        guard let dropped = metrics?.dropped, let name = dropped.first, !hasWarnedOfMetrics else {
            return
        }
        hasWarnedOfMetrics = true
        orders.warn(
            "the metric \(name.bounded) is not a finite number and is left out (told once a run)")
    }

    /// A checkpoint of many gigabytes is being read.
    mutating func verifying(
        _ id: CheckpointID, _ progress: Event.VerificationProgress, _ orders: inout Orders
    ) {
        let done = SizeText.format(progress.done)
        let rate = SizeText.format(Int64(Double(progress.done) / max(progress.seconds, 0.001)))
        let text = "verifying \(id): \(done) of \(SizeText.format(progress.total)), \(rate)/s"
        verification = text
        orders.add(.tell(text))
    }

    mutating func verificationEnded() { verification = nil }

    /// For the status.
    ///
    /// - Parameters:
    ///   - isVerifying: the job waits until a checkpoint is verified.
    ///   - shortage: what the job waits for that the machine has not enough of.
    func shown(isVerifying: Bool, shortage: String?) -> Status.Progress {
        var shown = reported
        if isVerifying, let verification { shown.message = verification }
        if let shortage { shown.message = shortage }
        return shown
    }

    /// For a checkpoint's manifest.
    ///
    /// - Parameters:
    ///   - step: of the checkpoint; nil where it has none.
    ///   - lastStep: that this attempt has reported: the step that an earlier one had reached is not its
    ///     own.
    func ofCheckpoint(_ step: Int64?, lastStep: Int64?) -> Manifest.Progress? {
        var own = reported
        own.step = lastStep
        return Manifest.Progress(own, at: step)
    }
}

extension Status.Progress {
    /// Takes over what a job tells of its metrics: new names in their order, as far as there is room, so that
    /// which ones are left out is no accident.
    mutating func keep(_ told: [String: Double], most: Int = Bounds.metrics) {
        var new: [(name: String, value: Double)] = []
        for (name, value) in told {
            let name = name.bounded
            if metrics[name] != nil { metrics[name] = value } else { new.append((name, value)) }
        }
        let room = max(0, most - metrics.count)
        metricsLeftOut = max(0, new.count - room)
        guard room > 0 else { return }
        new.sort { $0.name < $1.name }
        for (name, value) in new.prefix(room) { metrics[name] = value }
    }
}

/// How much of what a job says is kept: memory and files do not grow with a job that talks too much.
enum Bounds {
    /// Of a text, in Unicode scalars.
    static let text = 1000
    /// Of the names of metrics in the progress, so many that came first.
    static let metrics = 1000
}

extension String {
    /// At most so much of a job's text as is kept.
    var bounded: String { bounded(to: Bounds.text) }

    func bounded(to count: Int) -> String {
        guard utf8.count > count, unicodeScalars.count > count else { return self }
        return String(unicodeScalars.prefix(count)) + "…"
    }
}
