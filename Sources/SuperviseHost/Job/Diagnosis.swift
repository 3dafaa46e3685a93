import SuperviseCore
import SuperviseFormats
import SuperviseSystem
import SuperviseText

/// Finds out what a job is doing that hangs: beside the loop, on threads that may never come back
/// from the kernel.
final class Diagnosis {
    /// Of what a command writes, in bytes; one that writes more is ended.
    private static let mostOutput = 256 << 10
    /// Those that are lost are not had back, and a job may hang again.
    private static let mostThreads = 8

    private enum Work {
        case examination(ProcessExamination)
        case tool(CapturedTool, [String], since: MonotonicTime)
    }

    private let loop: EventLoop
    private let tools: Tools
    private let lane = WorkerLane(name: "diagnosis", threads: mostThreads)
    private let deliver: (Event) -> Void
    private var mailbox: Mailbox<Int>?
    private var current: Work?
    /// Of the work; what ends too late is known by it.
    private var number = 0

    init(on loop: EventLoop, tools: Tools, _ deliver: @escaping (Event) -> Void) {
        self.loop = loop
        self.tools = tools
        self.deliver = deliver
    }

    /// Looks at all processes of the job.
    ///
    func examine(_ tree: JobTree) {
        let examination = ProcessExamination()
        begin(.examination(examination)) { examination.run(tree) }
    }

    /// Runs a command that looks at it.
    func run(_ call: HelperCall) {
        let tool = CapturedTool(
            call.command, program: call.program, environment: call.environment,
            directory: call.directory, settings: call.settings, tools: tools,
            limit: Self.mostOutput)
        begin(.tool(tool, call.command, since: .now())) { tool.run() }
    }

    /// Ends what is under way, and answers with what it has given so far.
    func end() {
        if case .tool(let tool, _, _)? = current { tool.kill() }
        answer()
    }

    private func begin(_ work: Work, _ body: @escaping @Sendable () -> Void) {
        current = work
        number += 1
        let number = number
        do throws(SystemError) {
            let mailbox = try openMailbox()
            lane.submit {
                body()
                mailbox.post(number)
            }
        } catch {
            deliver(.warned("a hang cannot be looked at: \(error)"))
            answer()
        }
    }

    /// Made when it is first needed: most jobs never hang.
    private func openMailbox() throws(SystemError) -> Mailbox<Int> {
        if let mailbox { return mailbox }
        let made = try Mailbox<Int>(on: loop) { [unowned self] ended in
            if ended.contains(number) { answer() }
        }
        mailbox = made
        return made
    }

    private func answer() {
        guard let work = current else { return }
        current = nil
        switch work {
        case .examination(let examination):
            let found = examination.findings
            deliver(
                .examined(
                    .init(
                        text: found.text, processes: found.processes.count,
                        threads: found.threadCount + found.leftOut)))
        case .tool(let tool, let command, let start):
            deliver(.onHangEnded(Self.text(tool.outcome, command, MonotonicTime.now() - start)))
        }
    }

    private static func text(
        _ outcome: CapturedTool.Outcome, _ command: [String], _ time: Duration
    ) -> String {
        let after = HumanText.duration(time.seconds)
        let end =
            switch outcome.end {
            case .ended(.exited(let status)): "ended with status \(status) after \(after)"
            case .ended(.signaled(let signal)): "ended by \(signalName(signal)) after \(after)"
            case .wroteTooMuch: "wrote more than \(mostOutput >> 10) KiB, and was ended"
            case .failed(let error) where error.commandStatus == 127: "command not found"
            case .failed(let error): "cannot be run: \(error)"
            case nil: "had not ended after \(after), and was ended"
            }
        let output = String(decoding: outcome.output, as: UTF8.self)
        return "\(HumanText.commandLine(command)): \(end)\n\(output)"
    }
}
