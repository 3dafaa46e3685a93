import Testing

@testable import SuperviseCore

@Suite("Metrics that wait to be parsed")
struct WaitingMetricsTests {
    private func at(_ seconds: Double) -> Instant {
        Instant(nanoseconds: Int64(seconds * 1e9))
    }

    @Test("the newest of each connection stay, and are parsed once a second")
    func newest() {
        var metrics = WaitingMetrics()
        let (one, two) = (ConnectionID(1), ConnectionID(2))
        let first = metrics.put([1], of: two, at: at(5))
        _ = metrics.put([2], of: two, at: at(5))
        _ = metrics.put([3], of: one, at: at(5))
        #expect(first == at(5))
        let all = metrics.takeAll(at: at(5)).map { $0.message }
        #expect(all == [[3], [2]])
        let none = metrics.takeAll(at: at(5))
        #expect(none.isEmpty)
        let second = metrics.put([4], of: two, at: at(5.25))
        #expect(second == at(6))
        let (taken, more) = (metrics.take(two), metrics.take(two))
        #expect(taken == [4] && more == nil)
        let late = metrics.put([5], of: two, at: at(9))
        #expect(late == at(9))
    }
}
