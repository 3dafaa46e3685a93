import SuperviseFormats
import Testing

@testable import SuperviseCore

@Suite("How far a supervisor is")
struct SupervisorDistanceTests {
    private func place(
        _ host: String = "a", boot: String = "boot", namespace: UInt64? = 1
    ) -> SupervisorPlace {
        SupervisorPlace(host: host, bootID: boot, pidNamespace: namespace)
    }

    private func distance(_ recorded: SupervisorPlace?) -> SupervisorDistance {
        SupervisorDistance(recorded, from: place())
    }

    @Test("the PID namespace decides on one kernel, whatever the host is called")
    func namespace() {
        #expect(distance(place()) == .here)
        #expect(distance(place("b")) == .here)
        #expect(distance(place(namespace: 2)) == .otherContainer(host: "a"))
        #expect(distance(place("b", namespace: 2)) == .otherContainer(host: "b"))
    }

    @Test("another kernel is another machine, also where it has the same name and numbers")
    func machine() {
        #expect(distance(place(boot: "other")) == .otherMachine(host: "a"))
        #expect(distance(place("b", boot: "other", namespace: 2)) == .otherMachine(host: "b"))
    }

    @Test("where /proc did not tell, the host name decides")
    func hostName() {
        #expect(distance(place(namespace: nil)) == .here)
        #expect(distance(place("b", namespace: nil)) == .otherContainer(host: "b"))
        #expect(distance(place(boot: "")) == .here)
        #expect(distance(place("b", boot: "")) == .otherMachine(host: "b"))
    }

    @Test("one of an older version is taken to be here")
    func older() {
        #expect(distance(nil) == .here)
    }
}
