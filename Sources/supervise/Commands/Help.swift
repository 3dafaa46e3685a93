import SuperviseText

/// The texts of `--help`.
enum Help {
    static let version = "0.1.0"

    /// What `supervise --help` says.
    static func overview(width: Int) -> String {
        let commands = Command.allCases.map { ($0.rawValue, $0.summary) }
        return """
            \(TextLayout.wrapped(introduction, width: width))

            \(usage([synopsis(of: .run), "supervise COMMAND …"]))

            commands:
            \(TextLayout.definitions(commands, width: width))

            supervise COMMAND --help tells more; supervise --version tells the version.

            """
    }

    private static let introduction =
        "supervise keeps a long job alive, and never loses more of its work than the time since "
        + "its last checkpoint."

    /// What `supervise COMMAND --help` says.
    static func text(for command: Command, width: Int) -> String {
        let options = OptionTable.options(of: command).map {
            ($0.usage, sentence(for: $0, of: command))
        }
        let parts =
            ["\(command.summary).", usage(command.synopsis)]
            + command.details
            + ["options:\n" + TextLayout.definitions(options, width: width)]
        return parts.map { TextLayout.wrapped($0, width: width) }.joined(separator: "\n\n") + "\n"
    }

    private static func sentence(for option: OptionSpec, of command: Command) -> String {
        // Elsewhere what holds without it is what the run was started with.
        let standard = command == .run || !option.isRule ? option.standard : nil
        return standard.map { "\(option.help) (default \($0))" } ?? option.help
    }

    private static func synopsis(of command: Command) -> String {
        command.synopsis.joined(separator: "\n")
    }

    private static func usage(_ lines: [String]) -> String {
        lines.enumerated().map { ($0.offset == 0 ? "usage: " : "       ") + $0.element }
            .joined(separator: "\n")
    }
}
