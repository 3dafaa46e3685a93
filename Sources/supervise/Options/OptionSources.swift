import SuperviseFormats
import SuperviseHost

/// An option with its value, and where that came from.
struct GivenOption: Sendable {
    var spec: OptionSpec
    var text: String
    var source: Source

    /// Ordered from the one that yields to the one that wins.
    enum Source: Comparable, Sendable {
        case file(String)
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
        case .file(let path): "\(path): \"\(spec.name)\""
        }
    }
}

/// Brings together the options of a command line, the environment and a configuration file.
struct OptionSources {
    let command: Command
    let surroundings: Surroundings

    /// The winning value of each option that was given, by the option's name.
    ///
    /// - Throws: ``Complaint`` about a configuration file that cannot be used.
    func collect(_ arguments: Arguments) throws(Complaint) -> [String: GivenOption] {
        var given: [String: GivenOption] = [:]
        for option in fromEnvironment() { given[option.spec.name] = option }
        for (option, text) in arguments.options {
            var text = text
            if option.isRepeatable { try refuseLines(text, option.dashed) }
            if option.isRepeatable, let before = given[option.name], before.source == .commandLine {
                text = "\(before.text)\n\(text)"
            }
            given[option.name] = GivenOption(spec: option, text: text, source: .commandLine)
        }
        if let config = given["config"] {
            let path = surroundings.absolute(try checked(config).text)
            for option in try readFile(path) where given[option.spec.name] == nil {
                given[option.spec.name] = option
            }
        }
        return given
    }

    private func fromEnvironment() -> [GivenOption] {
        // Mostly there are none, and then no option's name has to be made a variable's.
        let isOurs: (String) -> Bool = { $0.hasPrefix(OptionSpec.variablePrefix) }
        guard surroundings.environment.keys.contains(where: isOurs) else { return [] }
        return OptionTable.options(of: command).filter(\.mayBeInEnvironment).compactMap { option in
            // An empty variable is as good as none: that is how a shell script clears it.
            guard let text = surroundings.environment[option.variable], !text.isEmpty else {
                return nil
            }
            return GivenOption(spec: option, text: text, source: .environment)
        }
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
        return Complaint("\(option.subject) takes \(option.spec.accepts), not \"\(shown)\"")
    }

    private func readFile(_ path: String) throws(Complaint) -> [GivenOption] {
        let text: String
        do {
            text = try surroundings.readFile(path)
        } catch {
            throw Complaint("cannot read the configuration file: \(error)")
        }
        let object: [String: JSONValue]
        do {
            object = try JSONText.decode([String: JSONValue].self, from: text.utf8)
        } catch {
            throw Complaint(
                "\(path): \(error); a configuration is an object such as {\"keep-last\": 3}")
        }
        var options: [GivenOption] = []
        for (key, value) in object.sorted(by: { $0.key < $1.key }) {
            options.append(
                GivenOption(
                    spec: try option(of: key, in: path),
                    text: try texts(value, for: key, in: path), source: .file(path)))
        }
        return options
    }

    private func option(of key: String, in path: String) throws(Complaint) -> OptionSpec {
        let specs = OptionTable.options(of: command).filter { $0.name != "config" }
        if let spec = specs.first(where: { $0.name == key }) { return spec }
        let shown = HumanText.printable(key)
        guard key != "config" else {
            throw Complaint("\(path): a configuration file cannot name another (\"config\")")
        }
        guard let near = Suggestion.nearest(to: key, among: specs.map(\.name)) else {
            throw Complaint("\(path): unknown key \"\(shown)\" (\(command.helpCall))")
        }
        throw Complaint("\(path): unknown key \"\(shown)\"; did you mean \"\(near)\"?")
    }

    /// Several values where the option can be given several times.
    private func texts(
        _ value: JSONValue, for key: String, in path: String
    ) throws(Complaint) -> String {
        guard case .array(let values) = value, try option(of: key, in: path).isRepeatable else {
            return try valueText(value, for: key, in: path)
        }
        var texts: [String] = []
        for value in values {
            let text = try valueText(value, for: key, in: path)
            try refuseLines(text, "\(path): \"\(key)\"")
            texts.append(text)
        }
        return texts.joined(separator: "\n")
    }

    /// Several values stand together, one on a line; so none of them may have two.
    private func refuseLines(_ text: String, _ subject: String) throws(Complaint) {
        guard text.utf8.contains(UInt8(ascii: "\n")) else { return }
        throw Complaint("\(subject) takes no value with a line break in it")
    }

    private func valueText(
        _ value: JSONValue, for key: String, in path: String
    ) throws(Complaint) -> String {
        switch value {
        case .string(let text): return text
        case .bool(let flag): return String(flag)
        case .integer(let number): return String(number)
        case .number(let number): return String(number)
        case .null, .array, .object:
            throw Complaint("\(path): \"\(key)\" takes a string, a number, or true or false")
        }
    }
}
