import SuperviseFormats

/// One thing that `supervise doctor` has looked at.
struct Finding: Codable, Equatable, Sendable {
    /// The run that it is about; null where it is about the machine.
    @Null var run: String?
    var level: Level
    /// What was looked at, in a word or two.
    var subject: String
    /// What was found.
    var text: String
    /// What to do; null where there is nothing to do.
    @Null var advice: String?

    enum Level: String, Codable, Sendable {
        case ok
        /// Worth knowing, and no reason not to go on.
        case note
        /// Something does not work, or will not when it is needed.
        case problem
    }

    init(
        _ level: Level, _ subject: String, _ text: String, run: String? = nil,
        advice: String? = nil
    ) {
        self.run = run
        self.level = level
        self.subject = subject
        self.text = text
        self.advice = advice
    }
}
