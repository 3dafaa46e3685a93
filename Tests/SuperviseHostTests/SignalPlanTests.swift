import SuperviseCore
import SuperviseSystem
import Testing

@testable import SuperviseHost

/// What each signal means.
@Suite("Signal plan")
struct SignalPlanTests {
    private func number(_ name: String) throws -> Int32 { try #require(signalNumber(name)) }

    @Test("SIGINT and SIGTERM stop, and so does SIGHUP, which never counts as a second")
    func stops() throws {
        let plan = SignalPlan(checkpoint: try number("USR1"))
        for name in ["SIGINT", "SIGTERM"] {
            let number = try number(name)
            #expect(plan.meaning(of: number) == .stop(number: number, name: name))
        }
        #expect(plan.meaning(of: 1) == .hangUp(number: 1, name: "SIGHUP"))
    }

    @Test("the one that was chosen asks for a checkpoint, whatever it meant before")
    func checkpoint() throws {
        let user = try number("USR1")
        #expect(SignalPlan(checkpoint: user).meaning(of: user) == .checkpoint(name: "SIGUSR1"))
        #expect(SignalPlan(checkpoint: nil).meaning(of: user) == .other(number: user))
        let hangUp = SignalPlan(checkpoint: 1).meaning(of: 1)
        #expect(hangUp == .checkpoint(name: "SIGHUP"))
    }

    @Test(
        "all others are the job's", arguments: ["QUIT", "WINCH", "ALRM", "CONT", "USR2", "RTMIN+3"])
    func others(name: String) throws {
        let plan = SignalPlan(checkpoint: 10)
        let number = try number(name)
        #expect(plan.taken.contains(number))
        #expect(plan.meaning(of: number) == .other(number: number))
    }

    @Test("what stops whoever is in the background, and what nobody can take, is left alone")
    func leftAlone() throws {
        let plan = SignalPlan(checkpoint: 10)
        for name in ["TTIN", "TTOU", "KILL", "STOP", "SEGV", "PIPE"] {
            #expect(!plan.taken.contains(try number(name)), "\(name)")
        }
        #expect(plan.taken.contains(SignalPlan.childEnded))
        #expect(signalName(SignalPlan.childEnded) == "SIGCHLD")
    }
}
