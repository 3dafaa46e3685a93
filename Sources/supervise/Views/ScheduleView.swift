import SuperviseCore
import SuperviseFormats
import SuperviseHost
import SuperviseText

/// Why the next checkpoint is asked for when it is.
struct ScheduleView {
    let schedule: Status.Schedule

    private var experience: Experience { schedule.experience }

    /// Such as `auto: cost 4 ms, 1 failure in 3m00s`; nil where somebody has set the interval.
    var summary: String? {
        guard schedule.mode == .auto else { return nil }
        guard let cost else { return "auto: to measure its cost" }
        let failures =
            experience.failures == 0
            ? "no failure" : HumanText.count(experience.failures, "failure")
        return "auto: cost \(cost), \(failures) in \(HumanText.age(experience.ran))"
    }

    private var cost: String? { experience.cost.map { HumanText.duration($0) } }

    /// The whole reasoning.
    var rows: [(label: String, text: String)] {
        [("interval", interval), ("cost", costs)]
            + (schedule.mode == .auto ? [("failure rate", rate)] : [])
            + (wait.map { [("wait", $0)] } ?? [])
    }

    private var interval: String {
        guard let seconds = schedule.interval else {
            return "off: checkpoints are not asked for"
        }
        let length = HumanText.duration(seconds)
        switch schedule.mode {
        case .fixed, .off: return "\(length), as it was set"
        case .auto where experience.cost == nil:
            return "\(length) (auto): until the cost of a checkpoint is known"
        case .auto:
            return "\(length) (auto): Daly's formula with the two below, within 30 s and 6 h"
        }
    }

    private var costs: String {
        guard let cost else { return "not known: none has been made yet" }
        return "\(cost) for the job and the disk (running mean of "
            + "\(HumanText.count(experience.measured, "checkpoint")))"
    }

    private var wait: String? {
        guard let wait = experience.wait else { return nil }
        let earlier = schedule.mode == .auto ? "; it is asked that much earlier" : ""
        return "\(HumanText.duration(wait)) until the job looks\(earlier)"
    }

    private var rate: String {
        let seen =
            experience.failures == 0 ? "none" : "\(experience.failures)"
        return "one in \(HumanText.age(schedule.meanTimeBetweenFailures)): \(seen) seen in "
            + "\(HumanText.age(experience.ran)) of work, and one in "
            + "\(HumanText.age(schedule.expected)) expected beforehand"
    }
}

/// A forecast for a person: the best interval, and a table of others with a bar for each.
struct ForecastView {
    let forecast: Forecast
    /// The columns that there are.
    let width: Int
    /// Draw with plain characters.
    let isPlain: Bool

    func render() -> String {
        let best = forecast.best
        let head = [
            "A checkpoint costs \(HumanText.limit(forecast.cost)), a failure comes every "
                + "\(HumanText.limit(forecast.mtbf)) on the average, and a restart takes "
                + "\(HumanText.limit(forecast.restart)).",
            "The best interval is \(HumanText.duration(best.interval)): "
                + "\(percent(best.useful)) of the time is useful then. (Young's formula gives "
                + "\(HumanText.duration(forecast.young)), Daly's "
                + "\(HumanText.duration(forecast.daly)).)",
        ]
        var parts = head.map { TextLayout.wrapped($0, width: width) + "\n" }.joined()
        let numbers = Set(titles.indices.dropLast())
        parts += "\n" + TextLayout.table([titles] + forecast.rows.map(cells), right: numbers)
        if let automatic = forecast.automatic {
            let text =
                "--checkpoint-every auto, which has to find that out by itself: "
                + "\(percent(automatic)) of the time useful, in simulated runs of a week."
            parts += "\n" + TextLayout.wrapped(text, width: width) + "\n"
        }
        return parts
    }

    private var titles: [String] {
        ["interval", "useful"] + (isSimulated ? ["simulated"] : [])
            + ["saving", "failures", "lost a day", ""]
    }

    private func cells(_ row: Forecast.Row) -> [String] {
        let isBest = row.interval == forecast.best.interval
        let bar = HumanText.bar(row.useful, width: width < 80 ? 12 : 24, ascii: isPlain)
        return [HumanText.duration(row.interval), percent(row.useful)]
            + (row.simulated.map { [percent($0)] } ?? [])
            + [
                percent(row.saving), percent(row.failures),
                HumanText.duration((1 - row.useful) * 86_400), bar + (isBest ? "  best" : ""),
            ]
    }

    private var isSimulated: Bool { forecast.automatic != nil }

    private func percent(_ share: Double) -> String { HumanText.percent(share, decimals: 1) }
}
