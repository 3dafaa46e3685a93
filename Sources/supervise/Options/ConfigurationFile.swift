import SuperviseFormats
import SuperviseHost
import SuperviseText

/// A file of `--config`: a JSON object of options, and perhaps the command to run.
///
/// A mistake in it is told with the line where it stands, as whoever reads it may only see that one
/// line in the journal of a service manager.
struct ConfigurationFile {
    let path: String
    /// The options that may stand in it.
    let specs: [OptionSpec]
    /// How to get help on them.
    let helpCall: String

    /// What is in it.
    struct Content {
        var options: [GivenOption] = []
        var command: [String]?
    }

    private static let example = #"{"keep-last": 3}"#
    private static let commandKey = "command"

    /// - Throws: ``Complaint`` that names the first line with a mistake, and the key.
    func read(_ text: String) throws(Complaint) -> Content {
        let outline = try outline(of: text)
        if let repeated = outline.repeated {
            throw complaint(
                repeated.key.line,
                "\(quoted(repeated.key.name)) stands on line \(repeated.first.line) already")
        }
        let object = try decoded(text)
        var content = Content()
        for key in outline.keys {
            guard let value = object[key.name] else { continue }
            if key.name == Self.commandKey {
                content.command = try command(value, on: key.line)
                continue
            }
            let spec = try spec(of: key)
            if spec.isForOneStart {
                throw complaint(key.line, "\(quoted(key.name)) \(spec.oneStartRefusal)")
            }
            content.options.append(
                GivenOption(
                    spec: spec, text: try valueText(of: value, for: spec, on: key.line),
                    source: .file(path, line: key.line)))
        }
        return content
    }

    private func outline(of text: String) throws(Complaint) -> JSONOutline {
        do {
            return try JSONOutline(text.utf8)
        } catch {
            throw complaint(
                error.line,
                "the line \(error.text); a configuration is an object such as \(Self.example)")
        }
    }

    private func decoded(_ text: String) throws(Complaint) -> [String: JSONValue] {
        do {
            return try JSONText.decode([String: JSONValue].self, from: text.utf8)
        } catch {
            throw Complaint(
                "\(path): \(error); a configuration is an object such as \(Self.example)")
        }
    }

    private func complaint(_ line: Int, _ text: String) -> Complaint {
        Complaint("\(path):\(line): \(text)")
    }

    private func quoted(_ key: String) -> String { "\"\(HumanText.printable(key))\"" }

    private func spec(of key: JSONOutline.Key) throws(Complaint) -> OptionSpec {
        if let spec = specs.first(where: { $0.name == key.name }) { return spec }
        guard key.name != "config" else {
            throw complaint(key.line, "a configuration file cannot name another (\"config\")")
        }
        let known = specs.map(\.name) + [Self.commandKey]
        guard let near = Suggestion.nearest(to: key.name, among: known) else {
            throw complaint(key.line, "unknown key \(quoted(key.name)) (\(helpCall))")
        }
        throw complaint(key.line, "unknown key \(quoted(key.name)); did you mean \"\(near)\"?")
    }

    private func command(_ value: JSONValue, on line: Int) throws(Complaint) -> [String] {
        guard case .array(let values) = value, !values.isEmpty else {
            throw complaint(
                line,
                #""command" takes an array of its words, such as ["python3", "train.py"]"#)
        }
        var words: [String] = []
        for value in values {
            let word = try word(value, for: Self.commandKey, on: line)
            guard !word.contains("\0") else {
                throw complaint(line, "\"command\" has a word with a null character in it")
            }
            words.append(word)
        }
        guard words.first != "" else {
            throw complaint(line, "\"command\" begins with an empty word, which names no program")
        }
        return words
    }

    /// Several values, one on a line, where the option can be given several times.
    private func valueText(
        of value: JSONValue, for spec: OptionSpec, on line: Int
    ) throws(Complaint) -> String {
        switch value {
        case .array(let values) where spec.isRepeatable:
            return try lines(values.map { ("", $0) }, for: spec, on: line)
        case .object(let values) where spec.takesAssignments:
            return try lines(
                values.sorted { $0.key < $1.key }.map { ("\($0.key)=", $0.value) }, for: spec,
                on: line)
        default: return try word(value, for: spec.name, on: line)
        }
    }

    private func lines(
        _ values: [(start: String, value: JSONValue)], for spec: OptionSpec, on line: Int
    ) throws(Complaint) -> String {
        var texts: [String] = []
        for (start, value) in values {
            let text = start + (try word(value, for: spec.name, on: line))
            guard !text.utf8.contains(UInt8(ascii: "\n")) else {
                throw complaint(line, "\"\(spec.name)\" takes no value with a line break in it")
            }
            texts.append(text)
        }
        return joined(texts, with: "\n")
    }

    private func word(_ value: JSONValue, for key: String, on line: Int) throws(Complaint) -> String
    {
        switch value {
        case .string(let text): return text
        case .bool(let flag): return String(flag)
        case .integer(let number): return String(number)
        case .number(let number): return String(number)
        case .null, .array, .object:
            throw complaint(line, "\"\(key)\" takes a string, a number, or true or false")
        }
    }
}
