import Testing

@testable import SuperviseCore

@Suite("Whether another user may change where a run is kept")
struct PlaceTrustTests {
    private func step(
        _ path: String, of user: UInt32 = 0, group: UInt32 = 0, _ mode: UInt32 = 0o755,
        _ kind: PlaceTrust.Step.Kind = .directory
    ) -> PlaceTrust.Step {
        .init(path: path, kind: kind, user: user, group: group, mode: mode)
    }

    private func reason(
        _ steps: PlaceTrust.Step..., user: UInt32 = 0, group: UInt32 = 0
    ) -> PlaceTrust.Weakness.Reason? {
        let verdict = PlaceTrust(steps: steps).verdict(
            user: user, group: group, jobIsAnother: false)
        guard case .warned(let weakness) = verdict else { return nil }
        return weakness.reason
    }

    @Test("root trusts what only root can change, and a sticky directory of root's")
    func trusted() {
        #expect(reason(step("/"), step("/srv", 0o711), step("/srv/state", 0o700)) == nil)
        #expect(reason(step("/"), step("/tmp", 0o1777), step("/tmp/state", 0o700)) == nil)
        #expect(reason(step("/"), step("/srv", 0o775)) == nil)
        #expect(reason(step("/"), step("/link", 0o777, .link), step("/srv")) == nil)
    }

    @Test("root trusts nothing that another user has, or may write to")
    func untrusted() {
        #expect(reason(step("/"), step("/home/ada", of: 1000, 0o700)) == .owned)
        #expect(reason(step("/"), step("/tmp", of: 1000, 0o1777)) == .owned)
        #expect(reason(step("/"), step("/tmp/link", of: 1000, 0o777, .link)) == .owned)
        #expect(reason(step("/"), step("/srv", 0o777)) == .writableByAll)
        #expect(reason(step("/"), step("/srv", 0o773)) == .writableByAll)
        #expect(reason(step("/"), step("/srv", group: 50, 0o775)) == .writableByGroup)
    }

    @Test("a user trusts what is the user's own, the user's group's, and root's")
    func user() {
        let home = step("/home/ada", of: 1000, group: 1000, 0o775)
        #expect(reason(step("/"), home, user: 1000, group: 1000) == nil)
        #expect(reason(step("/"), home, user: 1000, group: 100) == .writableByGroup)
        #expect(reason(step("/"), home, user: 1001, group: 1000) == .owned)
    }

    @Test("only a job that is another user has root refuse a place")
    func verdict() {
        let trust = PlaceTrust(steps: [step("/"), step("/home/ada", of: 1000)])
        let weakness = PlaceTrust.Weakness(step: trust.steps[1], reason: .owned)
        #expect(trust.verdict(user: 0, group: 0, jobIsAnother: true) == .refused(weakness))
        #expect(trust.verdict(user: 0, group: 0, jobIsAnother: false) == .warned(weakness))
        #expect(trust.verdict(user: 1001, group: 0, jobIsAnother: false) == .warned(weakness))
        #expect(trust.verdict(user: 1000, group: 0, jobIsAnother: false) == .trusted)
    }

    @Test("what one user may change is told from what others may")
    func against() {
        func may(_ steps: PlaceTrust.Step..., user: UInt32 = 1000, groups: [UInt32] = [100]) -> Bool
        {
            PlaceTrust(steps: steps).weakness(against: user, groups: groups) != nil
        }
        let program = step("/bin/look", 0o755, .other)
        #expect(!may(step("/"), step("/bin"), program))
        #expect(!may(step("/"), step("/bin", group: 50, 0o2775), program))
        #expect(may(step("/"), step("/bin", group: 100, 0o2775), program))
        #expect(!may(step("/"), step("/tmp", 0o1777), program))
        #expect(may(step("/"), step("/bin"), step("/bin/look", of: 1000, 0o755, .other)))
        #expect(may(step("/"), step("/bin"), step("/bin/look", 0o777, .other)))
        #expect(!may(step("/bin", of: 1000), user: 0))
    }
}
