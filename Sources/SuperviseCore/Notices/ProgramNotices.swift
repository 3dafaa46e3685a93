import SuperviseFormats

/// Any program: it runs until it is time, and then writes a line of JSON. One that ends with status 0
/// and nothing to tell is run again.
struct ProgramNotices: NoticeDialect {
    let name: String
    let interval = Duration.seconds(5)
    private let command: [String]

    /// What may be told ahead is up to the program.
    private static let most = Duration.seconds(86_400)

    init(_ command: [String]) {
        self.command = command
        name = "exec:" + (command.first ?? "")
    }

    mutating func inquiry(paced: Bool) -> Inquiry { .program(command) }

    mutating func read(_ answer: Inquiry.Answer, at now: Timestamp) -> NoticeReading {
        let line = answer.body.trimmed
        guard !line.isEmpty else { return .nothing }
        guard let told = try? JSONText.decode(NoticeLine.self, from: Array(line.utf8)) else {
            return .ignored("it wrote something else than a notice: \(line.bounded(to: 60))")
        }
        let word = told.action ?? Notice.Action.terminate.rawValue
        guard let action = Notice.Action(rawValue: word) else {
            return .ignored("\"\(word.bounded)\" is no action")
        }
        let notice = Notice(action: action, identity: line.bounded)
        let due = told.deadline.map { notice.due(inSeconds: $0, most: Self.most) }
        return .notices([due ?? notice])
    }

    func ended(status: Int, answers: Int) -> NoticeReading {
        status == 0 ? .nothing : .failure("it ended with status \(status)")
    }
}
