import Glibc
import SuperviseSystem
import TestSupport
import Testing

/// SIGKILL at random moments, mostly to the supervisor, also to its guard and to the job: what was
/// committed is there, whole, and gone on from; there is one job at a time; the result is right.
///
/// `FAULTS=1000` makes it a thousand of them. The moments come from a seed (`FAULTS_SEED`), but what
/// the machine does meanwhile is its own affair.
@Suite("SIGKILL at a random moment", .onStage)
struct RandomKillTests {
    private enum Target { case supervisor, job, guardian }

    /// So many in one run, whose state then shows them all.
    private static let inOneRun = 50

    @Test("of the supervisor, its guard or the job breaks no promise")
    func kills() throws {
        var numbers = SeededNumbers(seed: FaultSample.seed)
        var left = FaultSample.count(standard: 10)
        var saves = 0
        while left > 0 {
            let count = min(left, Self.inOneRun)
            saves += try killOften(count, &numbers)
            left -= count
        }
        // A job that never gets to save would keep every promise.
        #expect(saves > 0)
    }

    /// - Returns: how many checkpoints were acknowledged as safe.
    private func killOften(_ count: Int, _ numbers: inout SeededNumbers) throws -> Int {
        let run = try BusyRun()
        for kill in 1...count {
            let said: Comment = "kill \(kill) of \(count) (\(FaultSample.replay))"
            let starts = run.account.starts
            let program = try run.start()
            if kill == 1 {
                try waitBriefly { run.account.saves > 0 }
            } else if Bool.random(using: &numbers) {
                // The others are killed in the start, mostly.
                try waitBriefly { run.account.starts > starts }
            }
            let hasEnded = try strike(program, run, &numbers)
            if hasEnded {
                Issue.record("\(said): it ended by itself: \(program.text(.errors).suffix(2000))")
            } else {
                try program.signal(SIGKILL)
            }
            let ending = try run.waitForEnd()
            #expect(ending == .signaled(SIGKILL), said)
            let broken = run.account.broken
            guard broken.isEmpty else {
                Issue.record("\(said): \(broken)\n\(run.said.suffix(4000))")
                break
            }
            if kill % 10 == 0 { try run.expectWhole(said) }
        }
        try run.finish("after \(count) kills (\(FaultSample.replay))")
        return run.account.saves
    }

    /// Waits, and perhaps kills the job or the guard before.
    ///
    /// - Returns: whether the supervisor has ended, which it must not.
    private func strike(
        _ program: Program, _ run: BusyRun, _ numbers: inout SeededNumbers
    ) throws -> Bool {
        for target in Self.others(&numbers) {
            if try program.passes(Self.moment(&numbers)) { return true }
            switch target {
            case .supervisor: break
            case .job: if let pid = run.jobPID { kill(pid, inTreeOf: program) }
            case .guardian: if let pid = Self.guardian(of: program, run) { kill(pid, SIGKILL) }
            }
        }
        return try program.passes(Self.moment(&numbers))
    }

    /// A pid in the log may be of a job that has ended.
    private func kill(_ pid: Int32, inTreeOf program: Program) {
        let children = Self.children(of: program.pid)
        if children.contains(pid) { kill(pid, SIGKILL) }
    }

    private func kill(_ pid: Int32, _ signal: Int32) { _ = Glibc.kill(pid, signal) }

    private static func others(_ numbers: inout SeededNumbers) -> [Target] {
        switch Int.random(in: 0..<10, using: &numbers) {
        case 0, 1: [.job]
        case 2: [.guardian]
        case 3: [.job, .guardian]
        default: []
        }
    }

    /// How long from now.
    private static func moment(_ numbers: inout SeededNumbers) -> Duration {
        let most = Bool.random(using: &numbers) ? 20_000 : 200_000
        return .microseconds(Int.random(in: 0...most, using: &numbers))
    }

    private static func guardian(of program: Program, _ run: BusyRun) -> Int32? {
        children(of: program.pid).first {
            (try? readSmallFile("/proc/\($0)/cmdline"))?.hasPrefix(run.place.binary) == true
        }
    }

    private static func children(of pid: Int32) -> [Int32] {
        let text = (try? readSmallFile("/proc/\(pid)/task/\(pid)/children")) ?? ""
        return text.split(separator: " ").compactMap { Int32($0) }
    }
}
