import SuperviseFormats
import SuperviseHost
import SuperviseText

/// The call that runs a run's command again, from the directory where the reader stands.
///
/// It has the options of the run, as without them others would hold: fewer checkpoints kept, say.
struct RunAgain {
    let record: RunRecord
    /// Where the run was found.
    let stateDirectory: String
    let surroundings: Surroundings

    var line: String {
        var words = ["supervise", "--name", record.name]
        if !isStandardPlace { words += ["--state-dir", stateDirectory] }
        for spec in OptionTable.options(of: .run) {
            guard spec.isRecorded, spec.name != "state-dir", let text = record.options[spec.name]
            else { continue }
            words += Self.words(for: spec, text)
        }
        let call = HumanText.commandLine(words + ["--"] + record.command)
        return isHere ? call : "cd \(HumanText.commandLine([record.directory])) && \(call)"
    }

    private static func words(for spec: OptionSpec, _ text: String) -> [String] {
        if spec.isFlag { return ["\(spec.dashed)=\(text)"] }
        let values = spec.isRepeatable ? text.split(separator: "\n").map(String.init) : [text]
        return values.flatMap { value in
            value.hasPrefix("-") ? ["\(spec.dashed)=\(value)"] : [spec.dashed, value]
        }
    }

    private var isStandardPlace: Bool {
        let given = surroundings.environment["SUPERVISE_STATE_DIR"]
        let place = try? StatePlace.choose(given: given, surroundings)
        return place.map { FilePath($0.directory) == FilePath(stateDirectory) } ?? false
    }

    private var isHere: Bool {
        if record.options["chdir"] != nil { return true }
        guard case .success(let path) = surroundings.directory else { return false }
        return FilePath(path) == FilePath(record.directory)
    }
}
