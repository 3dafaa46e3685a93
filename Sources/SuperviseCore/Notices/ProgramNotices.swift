import SuperviseFormats

/// Any program: each line of JSON that it writes takes the place of the one before, and `gone`
/// withdraws it. The same line again is the same notice. One that ends with status 0 is run again.
struct ProgramNotices: NoticeDialect {
    let name: String
    let interval = Duration.seconds(5)
    private let command: [String]

    /// What may be told ahead is up to the program.
    private static let most = Duration.seconds(86_400)
    /// As a line, or as its action: no end is planned any more.
    private static let gone = "gone"

    init(_ command: [String]) {
        self.command = command
        name = "exec:" + (command.first ?? "")
    }

    mutating func inquiry(paced: Bool) -> Inquiry { .program(command) }

    mutating func read(_ answer: Inquiry.Answer, at now: Timestamp) -> NoticeReading {
        let line = answer.body.trimmed
        guard !line.isEmpty else { return .aside([]) }
        if line == Self.gone { return .nothing }
        guard let told = try? JSONText.decode(NoticeLine.self, from: Array(line.utf8)) else {
            return .ignored("it wrote something else than a notice: \(line.bounded(to: 60))")
        }
        let word = told.action ?? Notice.Action.terminate.rawValue
        if word == Self.gone { return .nothing }
        guard let action = Notice.Action(rawValue: word) else {
            return .ignored("\"\(word.bounded)\" is no action")
        }
        let notice = Notice(action: action, identity: line.bounded)
        let due = told.deadline.map { notice.due(inSeconds: $0, most: Self.most) }
        // What only asks for a checkpoint says nothing about an end.
        return action.endsRun ? .notices([due ?? notice]) : .aside([due ?? notice])
    }

    func ended(status: Int, answers: Int) -> NoticeReading {
        status == 0 ? .aside([]) : .failure("it ended with status \(status)")
    }
}
