/// One option: how it is written, what it takes, what it does.
///
/// A class, as there are many in many lists, and each start makes them all.
final class OptionSpec: Sendable {
    /// The long name without its dashes; also the key in a configuration file.
    let name: String
    /// It takes no value on the command line.
    let isFlag: Bool
    /// What holds where it is not given, as it could be written; nil where that is no value.
    let standard: String?
    /// One sentence without its full stop.
    let help: String
    /// The commands that know it.
    let commands: [Command]
    private let traits: Traits
    /// It is part of what a run is, and recorded for `resume`.
    let isRecorded: Bool
    let isRepeatable: Bool
    let isPath: Bool
    let mayBeginWithDashes: Bool
    /// Reads the text of a value into its place; false where it is no such value.
    let store: @Sendable (String, inout OptionValues) -> Bool
    private let describePlaceholder: @Sendable () -> String?
    private let describeAccepts: @Sendable () -> String
    private let describeChoices: @Sendable () -> [String]

    /// Where the value of an option may come from, and what becomes of it.
    struct Traits: OptionSet, Sendable {
        let rawValue: Int
        static let environment = Traits(rawValue: 1)
        static let recorded = Traits(rawValue: 2)
        /// May be given several times; the values come together, one on a line.
        static let repeatable = Traits(rawValue: 4)
        /// Its value usually looks like an option.
        static let mayBeginWithDashes = Traits(rawValue: 8)
        /// Recorded as an absolute path: the job's directory need not be the caller's.
        static let path = Traits(rawValue: 16)
        /// What a run is given by its environment is nothing to do with another command.
        static let environmentOfRun = Traits(rawValue: 32)
        /// Holds for one start, so that only the command line may give it: a configuration or an
        /// environment would repeat it at every start.
        static let oneStart = Traits(rawValue: 64)
        /// Its value names a program, by a path or to be looked for in PATH.
        static let program = Traits(rawValue: 128)
    }

    /// - Parameter put: puts a value into its place.
    init<Value>(
        _ name: String, _ kind: ValueKind<Value>, of commands: [Command],
        standard: String? = nil, _ traits: Traits = [.environment, .recorded],
        in put: @escaping @Sendable (inout OptionValues, Value) -> Void, _ help: String
    ) {
        self.name = name
        self.standard = standard
        self.help = help
        self.commands = commands
        isFlag = Value.self == Bool.self
        describePlaceholder = kind.placeholder
        describeAccepts = kind.accepts
        describeChoices = kind.choices
        self.traits = traits
        isRecorded = traits.contains(.recorded)
        isPath = traits.contains(.path)
        isRepeatable = traits.contains(.repeatable)
        mayBeginWithDashes = traits.contains(.mayBeginWithDashes)
        let parse = kind.parse
        store = { text, values in
            guard let value = parse(text) else { return false }
            put(&values, value)
            return true
        }
    }

    /// An environment variable may set it.
    func mayBeInEnvironment(of command: Command) -> Bool {
        traits.contains(.environment) || command == .run && traits.contains(.environmentOfRun)
    }

    /// It holds for one start: only the command line may give it.
    var isForOneStart: Bool { traits.contains(.oneStart) }

    /// Why a configuration or an environment cannot give it.
    var oneStartRefusal: String {
        "holds for one start, and here it would hold for every one: give \(dashed) on the command "
            + "line, that once"
    }

    /// Its value names a program.
    var namesProgram: Bool { traits.contains(.program) }

    /// It says what is kept.
    var isRule: Bool { traits.contains(.environmentOfRun) }

    /// Its values are of the kind NAME=VALUE.
    var takesAssignments: Bool { isRepeatable && placeholder?.hasPrefix("NAME=") == true }

    /// What stands for the value in help; nil for a flag.
    var placeholder: String? { describePlaceholder() }

    /// Completes "this option takes …".
    var accepts: String { describeAccepts() }

    /// The words that a value may be, where these are few.
    var choices: [String] { describeChoices() }

    /// Such as `--keep-last`.
    var dashed: String { "--\(name)" }

    static let variablePrefix = "SUPERVISE_"

    /// Such as `SUPERVISE_KEEP_LAST`.
    var variable: String {
        var result = Self.variablePrefix
        for scalar in name.uppercased().unicodeScalars {
            result.unicodeScalars.append(scalar == "-" ? "_" : scalar)
        }
        return result
    }

    /// As it is shown in help, such as `--keep-last N`.
    var usage: String { placeholder.map { "\(dashed) \($0)" } ?? dashed }
}
