import SuperviseFormats
import SuperviseHost
import SuperviseText

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
