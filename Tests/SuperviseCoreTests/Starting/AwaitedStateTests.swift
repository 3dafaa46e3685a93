import SuperviseFormats
import Testing

@testable import SuperviseCore

@Suite("The wait for state that a start requires")
struct AwaitedStateTests {
    private func instant(_ seconds: Double) -> Instant {
        Instant(nanoseconds: Int64(seconds * 1e9))
    }

    @Test("is announced once, and ends after 60 s")
    func patience() {
        var awaited = AwaitedState()
        #expect(
            awaited.missing(at: instant(1000)) == .wait(.milliseconds(500), isFirst: true))
        #expect(
            awaited.missing(at: instant(1000.5)) == .wait(.milliseconds(500), isFirst: false))
        #expect(
            awaited.missing(at: instant(1059.75)) == .wait(.milliseconds(250), isFirst: false))
        #expect(awaited.missing(at: instant(1060)) == .giveUp)
        #expect(awaited.missing(at: instant(2000)) == .giveUp)
    }

    @Test("is shorter than what systemd gives a start")
    func shorterThanSystemd() {
        #expect(AwaitedState.patience < .seconds(90))
    }
}
