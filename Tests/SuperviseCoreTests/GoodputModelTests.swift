import Glibc
import SuperviseCore
import Testing

@Suite("Goodput")
struct GoodputModelTests {
    @Test("exponential and logarithm are those of the platform to the last digits")
    func analysis() {
        var random = SplitMix(seed: 3)
        for _ in 0..<20_000 {
            let x = Double.random(in: -700...700, using: &random)
            let power = Analysis.exponential(x)
            #expect(abs(power / exp(x) - 1) < 1e-14)
            let small = Double.random(in: -1e-3...1e-3, using: &random)
            #expect(abs(Analysis.exponential(small) - exp(small)) < 4e-16)
            #expect(abs(Analysis.logarithm(power) - x) < 3e-13)
            let share = Double.random(in: 0x1p-53...1, using: &random)
            #expect(abs(Analysis.logarithm(share) - log(share)) < 1e-14)
        }
        #expect(Analysis.exponential(0) == 1 && Analysis.logarithm(1) == 0)
        #expect(Analysis.exponential(800) == .infinity && Analysis.exponential(-800) == 0)
        #expect(Analysis.exponential(.nan).isNaN && Analysis.logarithm(0).isNaN)
        #expect(Analysis.logarithm(-1).isNaN && Analysis.logarithm(.infinity).isNaN)
    }

    /// Cost, mean time between failures and restart in seconds; Daly's interval and the useful shares
    /// with it and with a checkpoint every hour, in percent.
    private static let published = [
        (5.0, 3_600.0, 30.0, 186.0, 94.0, 57.6), (30, 3_600, 60, 445, 86.2, 56.5),
        (60, 10_008, 180, 1_056, 87.9, 80.0), (300, 86_400, 300, 7_001, 91.6, 89.9),
    ]

    @Test("the formulae give the figures that others have computed", arguments: published)
    func figures(
        cost: Double, mtbf: Double, restart: Double, daly: Double, useful: Double, hourly: Double
    ) {
        let model = GoodputModel(cost: cost, mtbf: mtbf, restart: restart)
        #expect(abs(model.daly - daly) < 0.6)
        #expect(abs(model.share(every: model.daly) * 100 - useful) < 0.06)
        #expect(abs(model.share(every: 3600) * 100 - hourly) < 0.06)
        #expect(model.young == (2 * cost * mtbf).squareRoot())
    }

    @Test("no interval is better than the best, and Daly's is as good but for a trifle")
    func best() {
        var random = SplitMix(seed: 9)
        for _ in 0..<300 {
            let mtbf = exp(Double.random(in: 0...17, using: &random))
            let cost = mtbf * exp(Double.random(in: -14 ... -0.5, using: &random))
            let model = GoodputModel(cost: cost, mtbf: mtbf, restart: mtbf / 100)
            let most = model.share(every: model.best)
            for _ in 0..<20 {
                let other = model.best * exp(Double.random(in: -3...3, using: &random))
                #expect(model.share(every: other) <= most * (1 + 1e-12))
            }
            #expect(model.share(every: model.daly) > most * 0.99)
            #expect(most > 0 && most < 1 && model.best <= mtbf)
        }
        #expect(GoodputModel(cost: 200, mtbf: 100).daly == 100)
    }

    @Test("what is simulated is what the formula expects")
    func simulated() {
        for (cost, mtbf, restart) in [(30.0, 3_600.0, 60.0), (300, 1_800, 120), (1, 86_400, 0)] {
            let model = GoodputModel(cost: cost, mtbf: mtbf, restart: restart)
            var random = SplitMix(seed: 5)
            for interval in [model.best / 3, model.best, model.best * 3] {
                var sum = 0.0
                for _ in 0..<1_000 {
                    sum += SimulatedRun(model, length: 100 * mtbf, using: &random)
                        .share(every: interval)
                }
                #expect(abs(sum / 1_000 - model.share(every: interval)) < 0.006)
            }
        }
    }

    @Test("a seed plays the same run again")
    func replays() {
        let model = GoodputModel(cost: 30, mtbf: 3600, restart: 60)
        func play(_ seed: UInt64) -> [Double] {
            var random = SplitMix(seed: seed)
            let run = SimulatedRun(model, length: 604_800, using: &random)
            return [run.share(every: 600), run.share(AutoInterval())]
        }
        #expect(play(1) == play(1) && play(1) != play(2))
    }

    @Test("a forecast has the best interval among those that a person would set")
    func forecast() {
        let forecast = Forecast(.init(cost: 30, mtbf: 10_800, restart: 60), simulates: true)
        let intervals = forecast.rows.map(\.interval)
        #expect(intervals == intervals.sorted() && forecast.rows.contains(forecast.best))
        #expect(intervals.contains(600) && intervals.contains(3600))
        for row in forecast.rows {
            #expect(abs(row.useful + row.saving + row.failures - 1) < 1e-9)
            #expect(row.useful <= forecast.best.useful)
            #expect(abs((row.simulated ?? 0) - row.useful) < 0.01)
        }
        #expect(abs((forecast.automatic ?? 0) - forecast.best.useful) < 0.01)
        #expect(forecast == Forecast(.init(cost: 30, mtbf: 10_800, restart: 60), simulates: true))
        let plain = Forecast(.init(cost: 30, mtbf: 10_800, restart: 60), simulates: false)
        #expect(plain.automatic == nil && plain.rows.allSatisfy { $0.simulated == nil })
    }
}
