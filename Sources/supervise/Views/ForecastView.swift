import SuperviseCore
import SuperviseFormats
import SuperviseHost
import SuperviseText

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
