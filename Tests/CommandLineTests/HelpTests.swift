import Testing

@testable import supervise

@Suite("help")
struct HelpTests {
    @Test("of a command lists every option that it has, and no other", arguments: Command.allCases)
    func listsOptions(command: Command) throws {
        let text = try answer([command.rawValue, "--help"]).text
        let lines = text.split(separator: "\n")
        for option in OptionTable.all {
            let isThere = lines.contains { $0.starts(with: "  \(option.usage)") }
            #expect(isThere == option.commands.contains(command), "\(option.dashed)")
        }
        for line in command.synopsis { #expect(text.contains(line)) }
    }

    @Test("tells the default of every option that has one")
    func defaults() throws {
        let text = try answer(["run", "--help"]).text
        let unwrapped = text.split { $0 == " " || $0 == "\n" }.joined(separator: " ")
        for option in OptionTable.options(of: .run) {
            guard let standard = option.standard else { continue }
            #expect(unwrapped.contains("\(option.help) (default \(standard))"))
        }
    }

    @Test("lists every command")
    func listsCommands() throws {
        let text = try answer(["--help"]).text
        for command in Command.allCases {
            #expect(text.contains("\n  \(command.rawValue) "))
            #expect(text.contains(command.summary))
        }
    }

    @Test("is the same however it is asked for")
    func ways() throws {
        let overview = try answer(["--help"])
        #expect(overview.status == 0)
        #expect(try answer(["help"]) == overview)
        #expect(try answer(["-h"]) == overview)
        let run = try answer(["run", "--help"])
        #expect(try answer(["help", "run"]) == run)
        #expect(try answer(["--keep-last", "3", "-h", "--", "true"]) == run)
    }

    @Test("fits into the width that there is", arguments: [20, 60, 80, 200])
    func width(columns: Int) throws {
        var surroundings = place()
        surroundings.width = columns
        for arguments in [["--help"]] + Command.allCases.map({ [$0.rawValue, "--help"] }) {
            let text = try answer(arguments, surroundings).text
            let longest = text.split(separator: "\n").map(\.count).max() ?? 0
            #expect(longest <= max(88, columns), "\(arguments)")
            #expect(text.hasSuffix("\n") && !text.hasSuffix("\n\n"))
        }
    }

    @Test("of what is no command is refused")
    func unknown() {
        #expect(
            complaint(["help", "nonsense"])
                == Complaint("there is no command nonsense (supervise --help)", status: 125))
    }

    @Test("the version is told")
    func version() throws {
        #expect(try answer(["--version"]).text == "supervise \(Help.version)\n")
    }
}
