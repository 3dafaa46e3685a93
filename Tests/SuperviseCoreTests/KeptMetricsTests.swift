import SuperviseFormats
import Testing

@testable import SuperviseCore

@Suite("The metrics that are kept of a job's progress")
struct KeptMetricsTests {
    private func many(_ range: Range<Int>, _ value: Double) -> [String: Double] {
        Dictionary(
            uniqueKeysWithValues: range.map { number in
                let digits = String(number)
                return ("m" + String(repeating: "0", count: 5 - digits.count) + digits, value)
            })
    }

    @Test("the first by their names are kept, and of how many others there are no more is told")
    func first() {
        var progress = Status.Progress()
        progress.keep(many(0..<10_000, 1))
        #expect(progress.metrics == many(0..<1000, 1) && progress.metricsLeftOut == 9000)
        progress.keep(many(500..<1500, 2))
        #expect(progress.metrics.count == 1000 && progress.metricsLeftOut == 500)
        #expect(progress.metrics["m00499"] == 1 && progress.metrics["m00500"] == 2)
        progress.keep(["m00000": 3])
        #expect(progress.metrics["m00000"] == 3 && progress.metricsLeftOut == 0)
    }

    @Test("later ones join those that are there, as long as there is room")
    func join() {
        var progress = Status.Progress()
        progress.keep(["b": 1], most: 3)
        progress.keep(["d": 4, "c": 3, "a": 2], most: 3)
        #expect(progress.metrics == ["a": 2, "b": 1, "c": 3] && progress.metricsLeftOut == 1)
        let long = String(repeating: "x", count: 5000)
        progress = Status.Progress()
        progress.keep([long: 1])
        #expect(progress.metrics.keys.allSatisfy { $0.unicodeScalars.count == 1001 })
    }
}
