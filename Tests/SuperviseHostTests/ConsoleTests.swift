import SuperviseCore
import SuperviseFormats
import Testing
import SuperviseText

@testable import SuperviseHost

/// What is said on standard error, and how often.
@Suite("Console")
final class ConsoleTests {
    private var said: [String] = []
    private var milliseconds: Int64 = 1_000_000_000

    private func console(
        _ verbosity: RunRequest.Verbosity, _ format: RunRequest.LogFormat = .text
    ) -> Console {
        var request = RunRequest(
            command: ["job"], directory: "/", options: [:], stateDirectory: "/state",
            settings: .init())
        request.verbosity = verbosity
        request.logFormat = format
        return Console(request) { [unowned self] in said.append($0) }
    }

    private func tell(_ event: RunEvent, _ console: Console) {
        let logged = LoggedEvent(at: .init(milliseconds: milliseconds), event: event)
        console.tell(logged, sentence: EventText.sentence(for: event))
    }

    private func commit(_ number: Int64) -> RunEvent {
        .checkpointCommitted(
            .init(
                id: .init(sequence: number, step: nil), bytes: 1, seconds: 1, reason: .interval,
                request: nil))
    }

    @Test("commits are told at most once a minute, and after the clock was set back too")
    func commitsOnceAMinute() {
        let console = console(.normal)
        for (number, wait) in [(1, 0), (2, 59_999), (3, 1), (4, 1_000), (5, -500_000)] {
            milliseconds += Int64(wait)
            tell(commit(Int64(number)), console)
        }
        #expect(said.map { $0.prefix(28) } == [1, 3, 5].map { "supervise: checkpoint 00000\($0)" })
    }

    @Test("each commit is told where much is wanted, and none where little is")
    func commitsByVerbosity() {
        let (much, little) = (console(.verbose), console(.quiet))
        for number in 1...3 { tell(commit(Int64(number)), much) }
        #expect(said.count == 3)
        for number in 1...3 { tell(commit(Int64(number)), little) }
        #expect(said.count == 3)
    }

    @Test("warnings and failures are told however quiet we are to be, and a start is not")
    func quiet() {
        let console = console(.quiet)
        tell(.warning(.init(message: "the disk is full")), console)
        tell(.attemptStarted(.init(attempt: 1, resumedFrom: nil, bytes: 0)), console)
        tell(.removed(.init(ids: [])), console)
        console.say("not now", .normal)
        console.say("in any case", .quiet)
        #expect(said == ["supervise: the disk is full\n", "supervise: in any case\n"])
    }

    @Test("what comes from a job cannot obey a terminal")
    func printable() {
        tell(.warning(.init(message: "\u{1b}[31mred\nline")), console(.normal))
        #expect(said == ["supervise: \\u{1b}[31mred\\nline\n"])
    }

    @Test("in JSON every line is an object, what is no event of the run too")
    func json() throws {
        let console = console(.normal, .json)
        tell(commit(1), console)
        console.say("in use", .quiet)
        let events = try said.map { try JSONText.decode(LoggedEvent.self, from: $0.utf8).event }
        #expect(events == [commit(1), .warning(.init(message: "in use"))])
    }
}
