import Testing

@testable import SuperviseCore

@Suite("Which of the job's streams pass through us")
struct OutputPlanTests {
    private func plan(
        _ mode: OutputPlan.Mode, _ output: OutputPlan.Place, _ errors: OutputPlan.Place,
        hasTerminal: Bool = false, isSame: Bool = false
    ) -> [OutputPlan.Route] {
        let plan = OutputPlan(
            mode, hasTerminal: hasTerminal, output: output, errors: errors, isSame: isSame)
        return [plan.output, plan.errors]
    }

    private let others: [OutputPlan.Place] = [.terminal, .file, .socket]

    @Test("by itself a pipe passes and holds up the job, and all else is the job's as it is")
    func auto() {
        let held = OutputPlan.Route.passed(holds: true)
        #expect(plan(.auto, .pipe, .pipe) == [held, held])
        for other in others {
            #expect(plan(.auto, .pipe, other) == [held, .inherited])
            #expect(plan(.auto, other, .pipe) == [.inherited, held])
            #expect(plan(.auto, other, other) == [.inherited, .inherited])
        }
    }

    @Test("where all passes, only a pipe's reader holds up the job", arguments: ["pass", "keep"])
    func all(mode: String) throws {
        let mode = try #require(OutputPlan.Mode(rawValue: mode))
        for other in others {
            #expect(
                plan(mode, .pipe, other) == [.passed(holds: true), .passed(holds: false)])
        }
    }

    @Test("the job's terminal passes to wherever our streams lead")
    func terminal() {
        #expect(
            plan(.auto, .terminal, .pipe, hasTerminal: true)
                == [.passed(holds: false), .passed(holds: true)])
    }

    @Test("nothing passes that is to be left alone, or cannot be written to")
    func inherited() {
        #expect(plan(.inherit, .pipe, .pipe) == [.inherited, .inherited])
        for mode in OutputPlan.Mode.allCases {
            #expect(plan(mode, .unwritable, .terminal)[0] == .inherited)
        }
    }

    @Test("one of ours carries both where they lead to one place that can be written to")
    func one() {
        for (errors, isOne) in [(OutputPlan.Place.pipe, true), (.unwritable, false)] {
            let plan = OutputPlan(
                .auto, hasTerminal: false, output: .pipe, errors: errors, isSame: true)
            #expect(plan.isOne == isOne)
        }
    }
}
