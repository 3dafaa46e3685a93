import SuperviseFormats
import Testing

@testable import SuperviseCore

@Suite("The last output of an attempt")
struct LastOutputTests {
    /// An attempt whose processes are gone, and whose output passes through us.
    private func end(_ desk: inout Desk) -> [Action] {
        desk.run()
        desk.tell(.jobExited(.exited(1)))
        return desk.tell(.treeGone)
    }

    @Test("an attempt is over when its last output was read, and its failure shows the last lines")
    func lastLines() {
        var desk = Desk()
        let actions = end(&desk)
        #expect(actions.contains(.readLastOutput(attempt: 1)))
        #expect(actions.failure == nil && actions.timer(.backoff) == nil)
        let over = desk.tell(.outputTail(["no memory"], attempt: 1))
        #expect(over.contains(.cancelTimer(.lastOutput)) && over.timer(.backoff) != nil)
        #expect(over.failure?.outputTail == ["no memory"])
    }

    @Test("last output that takes longer than a second is not waited for")
    func slowOutput() {
        var desk = Desk()
        _ = end(&desk)
        let over = desk.tell(.timer(.lastOutput), after: ShellBounds.lastOutput)
        #expect(over.timer(.backoff) != nil && over.failure?.outputTail == [])
        let late = desk.tell(.outputTail(["late"], attempt: 1))
        #expect(late.isEmpty)
    }

    @Test("the last lines of an earlier attempt are not taken for those of the one that ends")
    func earlierAttempt() {
        var desk = Desk()
        _ = end(&desk)
        let other = desk.tell(.outputTail(["other"], attempt: 7))
        #expect(other.failure == nil)
        #expect(desk.tell(.outputTail([], attempt: 1)).failure?.outputTail == [])
    }
}

extension [Action] {
    fileprivate var failure: Failure? {
        lazy.compactMap { if case .log(.failed(let failed)) = $0 { failed.failure } else { nil } }
            .first
    }
}
