import SuperviseFormats
import SuperviseHost
import SuperviseSystem
import SuperviseText

/// An option with its value, and where that came from.
struct GivenOption: Sendable {
    var spec: OptionSpec
    var text: String
    var source: Source

    /// Ordered from the one that yields to the one that wins.
    enum Source: Comparable, Sendable {
        case file(String, line: Int?)
        case environment
        case commandLine

        static func < (left: Source, right: Source) -> Bool { left.rank < right.rank }

        var rank: Int {
            switch self {
            case .file: 0
            case .environment: 1
            case .commandLine: 2
            }
        }
    }

    /// How the one who gave it wrote it.
    var subject: String {
        switch source {
        case .commandLine: spec.dashed
        case .environment: "\(spec.variable) (environment)"
        case .file(let path, let line):
            "\(path)\(line.map { ":\($0)" } ?? ""): \"\(spec.name)\""
        }
    }
}

/// Brings together the options of a command line, the environment and a configuration file.
struct OptionSources {
    let command: Command
    let surroundings: Surroundings

    struct Collected {
        /// The winning value of each option that was given, by the option's name.
        var options: [String: GivenOption] = [:]
        /// The command that a configuration file names.
        var command: [String]?
        /// Lines about variables that are probably slips.
        var notes: [String] = []
    }

    /// - Throws: ``Complaint`` about a configuration file that cannot be used.
    func collect(_ arguments: Arguments) throws(Complaint) -> Collected {
        var given: [String: GivenOption] = [:]
        for option in try fromEnvironment() { given[option.spec.name] = option }
        for (option, text) in arguments.options {
            var text = text
            if option.isRepeatable { try refuseLines(text, option.dashed) }
            if option.isRepeatable, let before = given[option.name], before.source == .commandLine {
                text = "\(before.text)\n\(text)"
            }
            given[option.name] = GivenOption(spec: option, text: text, source: .commandLine)
        }
        let notes = StrayVariables(command: command, environment: surroundings.environment).notes
        guard let config = given["config"] else { return Collected(options: given, notes: notes) }
        let content = try readFile(try surroundings.absolute(checked(config).text))
        for option in content.options where given[option.spec.name] == nil {
            given[option.spec.name] = option
        }
        return Collected(options: given, command: content.command, notes: notes)
    }

    private func readFile(_ path: String) throws(Complaint) -> ConfigurationFile.Content {
        let text: String
        do {
            text = try surroundings.readFile(path)
        } catch {
            throw Complaint(
                "cannot read the configuration file: \(error)" + (NameHint.escaped(path) ?? ""))
        }
        let file = ConfigurationFile(
            path: path, specs: OptionTable.options(of: command).filter { $0.name != "config" },
            helpCall: command.helpCall)
        return try file.read(text)
    }

    /// Several values stand together, one on a line; so none of them may have two.
    private func refuseLines(_ text: String, _ subject: String) throws(Complaint) {
        guard text.utf8.contains(UInt8(ascii: "\n")) else { return }
        throw Complaint("\(subject) takes no value with a line break in it")
    }

    private func fromEnvironment() throws(Complaint) -> [GivenOption] {
        // Mostly there are none, and then no option's name has to be made a variable's.
        let isOurs: (String) -> Bool = { $0.hasPrefix(OptionSpec.variablePrefix) }
        guard surroundings.environment.keys.contains(where: isOurs) else { return [] }
        var given: [GivenOption] = []
        for option in OptionTable.options(of: command) {
            guard option.isForOneStart || option.mayBeInEnvironment(of: command) else { continue }
            // An empty variable is as good as none: that is how a shell script clears it.
            guard let text = surroundings.environment[option.variable], !text.isEmpty else {
                continue
            }
            let found = GivenOption(spec: option, text: text, source: .environment)
            if option.isForOneStart {
                throw Complaint("\(found.subject) \(option.oneStartRefusal)")
            }
            given.append(found)
        }
        return given
    }

    /// The values of all options, with the given ones in their places.
    ///
    /// - Throws: ``Complaint`` about the first one, in the table's order, that has a bad value.
    func values(_ given: [String: GivenOption]) throws(Complaint) -> OptionValues {
        var values = OptionValues()
        for spec in OptionTable.options(of: command) {
            guard let option = given[spec.name] else { continue }
            guard spec.store(option.text, &values) else { throw refusal(of: option) }
        }
        return values
    }

    private func checked(_ option: GivenOption) throws(Complaint) -> GivenOption {
        var values = OptionValues()
        guard option.spec.store(option.text, &values) else { throw refusal(of: option) }
        return option
    }

    private func refusal(of option: GivenOption) -> Complaint {
        let value = HumanText.printable(option.text)
        let shown = value.count > 60 ? value.prefix(60) + "…" : value[...]
        let hint = option.spec.name == "name" ? NameHint.escaped(option.text) : nil
        return Complaint(
            "\(option.subject) takes \(option.spec.accepts), not \"\(shown)\"" + (hint ?? ""))
    }
}

/// Sizes of a run record of before sizes had to have a unit.
enum RecordedSize {
    /// The text of a recorded option; a bare number of a size was one of bytes.
    static func withUnit(_ text: String, of option: String) -> String {
        switch option {
        case "max-bytes", "capture-max": amount(text)
        case "rlimit":
            text.split(separator: "\n", omittingEmptySubsequences: false)
                .map { limit(String($0)) }.joined(separator: "\n")
        default: text
        }
    }

    private static func limit(_ line: String) -> String {
        let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, ResourceLimit.Resource(option: parts[0])?.isSize == true else {
            return line
        }
        let amounts = parts[1].split(separator: ":", omittingEmptySubsequences: false)
        return "\(parts[0])=\(amounts.map { amount(String($0)) }.joined(separator: ":"))"
    }

    private static func amount(_ text: String) -> String {
        let isNumber = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        return isNumber ? "\(text)B" : text
    }
}

extension ResourceLimit.Resource {
    /// As an option writes it, such as `nofile` or `RLIMIT_NOFILE`.
    init?(option text: some StringProtocol) {
        var name = text.lowercased()
        if name.hasPrefix("rlimit_") { name.removeFirst(7) }
        guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }
}
