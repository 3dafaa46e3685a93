import Testing

@testable import SuperviseCore

@Suite("The time that a user's service manager has for its end")
struct UserManagerTimeTests {
    private func settings(checkpoint: Int, stop: Int = 10) -> Settings {
        var settings = Settings()
        settings.checkpointTimeout = .seconds(checkpoint)
        settings.stopTimeout = .seconds(stop)
        return settings
    }

    @Test("is enough for the default options, and too short for longer ones")
    func shortfall() {
        let time = UserManagerTime.delivered
        #expect(time.shortfall(of: Settings()) == nil)
        #expect(time.shortfall(of: settings(checkpoint: 108)) == nil)
        #expect(time.shortfall(of: settings(checkpoint: 109)) == .seconds(121))
        #expect(UserManagerTime(allowed: nil).shortfall(of: settings(checkpoint: 9999)) == nil)
    }

    @Test(
        "is read as systemd writes it",
        arguments: [
            ("120s", 120), ("2min", 120), ("2min 30s", 150), ("90", 90), ("1h", 3600),
            ("infinity", nil), ("0", nil),
        ] as [(String, Int?)])
    func values(text: String, seconds: Int?) {
        #expect(UserManagerTime(text) == UserManagerTime(allowed: seconds.map { .seconds($0) }))
    }

    @Test("is the last one that the unit's files give")
    func files() {
        let main = "[Service]\nTimeoutStopSec=120s\nKillMode=mixed\n"
        #expect(UserManagerTime(unitFiles: [main]) == .delivered)
        #expect(UserManagerTime(unitFiles: []) == .delivered)
        let dropIn = "[Service]\n# TimeoutStopSec=5min\n  TimeoutStopSec = 10min \n"
        #expect(UserManagerTime(unitFiles: [main, dropIn]).allowed == .seconds(600))
        #expect(UserManagerTime(unitFiles: [main, "TimeoutSec=infinity"]).allowed == nil)
        #expect(UserManagerTime(unitFiles: [main, "TimeoutStopSec=soon"]) == .delivered)
    }
}
