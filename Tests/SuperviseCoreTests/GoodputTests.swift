import Glibc
import SuperviseCore
import Testing

/// `auto`, which has to find everything out, against fixed intervals and the best one known before.
///
/// Runs of a week with failures at random times, the same ones for every schedule. `GOODPUT_RUNS`
/// says how many for each cost and each failure rate, and has the table printed; `GOODPUT_DAYS`, how
/// long they are.
@Suite("The goodput of auto")
struct GoodputTests {
    /// The useful shares for one cost and one failure rate, in the mean over the runs.
    private struct Cell {
        let cost: Double
        let hours: Double
        let best: Double
        var known = 0.0
        var automatic = 0.0
        var hourly = 0.0
        var often = 0.0

        var behind: Double { known - automatic }
        var behindOthers: Double { max(hourly, often) - automatic }

        /// It is ahead of those from which the best is far.
        var isAhead: Bool {
            let isFar = { (interval: Double) in
                max(interval, best) / min(interval, best) > 2
            }
            return (!isFar(3600) || automatic > hourly) && (!isFar(600) || automatic > often)
        }

        var line: String {
            let shares = [known, automatic, hourly, often].map {
                "\(Double(Int($0 * 100_000 + 0.5)) / 1000)"
            }
            return "\(Int(cost)) s  \(hours) h  \(Int(best)) s  " + shares.joined(separator: "  ")
        }
    }

    private static func play(_ cost: Double, _ hours: Double, runs: Int, days: Double) -> Cell {
        let model = GoodputModel(cost: cost, mtbf: hours * 3600, restart: 60)
        var cell = Cell(cost: cost, hours: hours, best: model.best)
        var random = SplitMix(seed: UInt64(cost * 1000 + hours))
        for _ in 0..<runs {
            let run = SimulatedRun(model, length: days * 86_400, using: &random)
            cell.known += run.share(every: cell.best) / Double(runs)
            cell.automatic += run.share(AutoInterval()) / Double(runs)
            cell.hourly += run.share(every: 3600) / Double(runs)
            cell.often += run.share(every: 600) / Double(runs)
        }
        return cell
    }

    @Test("is within 1 % of the best in the mean, and never 1 % behind a fixed hour or 10 minutes")
    func againstTheBest() {
        let asked = number("GOODPUT_RUNS")
        let days = Double(number("GOODPUT_DAYS") ?? 7)
        var cells: [Cell] = []
        for cost in [1.0, 3, 10, 30, 100, 300] {
            for hours in [0.5, 1, 2, 4, 8, 16, 24, 48] {
                cells.append(Self.play(cost, hours, runs: asked ?? 50, days: days))
            }
        }
        let mean = cells.reduce(0) { $0 + $1.behind } / Double(cells.count)
        let worst = cells.map(\.behind).max() ?? 0
        let behindOthers = cells.map(\.behindOthers).max() ?? 0
        if let asked {
            print("\(asked) runs of \(days) days; useful shares in %:")
            print("cost  mtbf  best interval  best  auto  1 h  10 min")
            for cell in cells { print(cell.line) }
            print("behind the best: mean \(mean * 100), at most \(worst * 100)")
            print("behind the better of 1 h and 10 min: at most \(behindOthers * 100)")
        }
        #expect(mean < 0.01)
        #expect(behindOthers < 0.01)
        for cell in cells { #expect(cell.isAhead, "\(cell.line)") }
    }

    private func number(_ variable: String) -> Int? {
        getenv(variable).flatMap { Int(String(cString: $0)) }
    }
}
