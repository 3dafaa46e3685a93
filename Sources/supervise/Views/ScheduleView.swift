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
