import SuperviseCore
import SuperviseSystem
import TestSupport
import Testing

@testable import SuperviseHost

/// Looks at a job that hangs, beside the loop: each is answered exactly once.
@Suite("A look at a job that hangs")
final class DiagnosisTests {
    private let diary: Diary
    private let diagnosis: Diagnosis

    init() throws {
        let diary = try Diary()
        self.diary = diary
        diagnosis = Diagnosis(on: diary.loop, tools: Tools()) { event in
            switch event {
            case .examined: diary.note("examined")
            case .onHangEnded(let text): diary.note(text)
            default: diary.note("\(event)")
            }
        }
    }

    private func run(_ command: [String]) {
        diagnosis.run(
            HelperCall(
                command: command,
                environment: ["PATH=\(environmentVariable("PATH") ?? "/usr/bin:/bin")"]))
    }

    @Test("that is ended is answered at once, and what comes of it later is not told")
    func endedEarly() throws {
        diagnosis.examine(JobTree(helpers: [], sparing: nil))
        diagnosis.end()
        #expect(diary.lines == ["examined"])
        run(["sh", "-c", "exec sleep 1000"])
        diagnosis.end()
        #expect(diary.lines.count == 2)
        #expect(diary.lines[1].contains("sleep 1000': had not ended after "))
        run(["sh", "-c", "echo done"])
        try diary.wait { $0.count == 3 }
        #expect(diary.lines[2].hasSuffix(" ms\ndone\n") || diary.lines[2].hasSuffix(" s\ndone\n"))
        try diary.pass(.milliseconds(200))
        #expect(diary.lines.count == 3)
    }

    @Test("where nothing is under way, there is no answer")
    func nothing() throws {
        diagnosis.end()
        #expect(diary.lines.isEmpty)
    }

    @Test("that is not disturbed is answered when it is done")
    func undisturbed() throws {
        diagnosis.examine(JobTree(helpers: [], sparing: nil))
        #expect(diary.lines.isEmpty)
        try diary.wait(for: "examined")
        run(["no-such-program-at-all"])
        try diary.wait(for: "no-such-program-at-all: command not found\n")
        run(["/"])
        try diary.wait { $0.last?.hasPrefix("/: cannot be run: ") == true }
        #expect(diary.lines.count == 3)
    }
}
