import SuperviseFormats
import SuperviseHost
import SuperviseText

/// In a status: whether the machine is taken away, and what watches for it.
struct PreemptionView {
    let preemption: Status.Preemption?
    let now: Timestamp

    var rows: [(label: String, left: String, right: String?)] {
        guard let preemption else { return [] }
        let sources = preemption.sources
        guard let notice = preemption.notice else {
            return sources.map { ("notices", text(of: $0), nil) }
        }
        // One that fails cannot tell that it is withdrawn, or comes sooner.
        let failing = sources.filter { $0.state == .failing }
        return [("preemption", text(of: notice), nil)]
            + failing.map { ("notices", text(of: $0), nil) }
    }

    private func text(of notice: Status.Notice) -> String {
        let who = "\(HumanText.printable(notice.source)): \(HumanText.printable(notice.action))"
        if let lost = notice.lostSeconds {
            return lost < 0.05 ? "\(who), all saved" : "\(who), \(HumanText.duration(lost)) lost"
        }
        let left = max(0, notice.deadline.seconds(since: now))
        let final = notice.finalCheckpoint.map {
            ", final checkpoint in \(HumanText.age(max(0, $0.seconds(since: now))))"
        }
        return "\(who) in \(HumanText.age(left))\(final ?? "")"
    }

    private func text(of source: Status.Source) -> String {
        let name = HumanText.printable(source.name)
        switch source.state {
        case .asking: return "\(name) has not answered yet"
        case .watching, .ended: return "\(name) is watched"
        case .failing:
            return "\(name) fails: \(HumanText.printable(source.error ?? ""))"
        }
    }
}

/// The first of the metrics that a job has told, by their names, and how many more there are.
struct MetricsView {
    /// So many are shown.
    static let most = 8

    let progress: Status.Progress

    var parts: [String] {
        let sorted = progress.metrics.sorted { $0.key < $1.key }
        var parts = sorted.prefix(Self.most).map { name, value in
            "\(HumanText.printable(name)) \(HumanText.number(value))"
        }
        let more = sorted.count - parts.count + progress.metricsLeftOut
        if more > 0 { parts.append("and \(HumanText.count(more, "more metric"))") }
        return parts
    }
}
