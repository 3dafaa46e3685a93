import SuperviseCore

/// Programs that options name.
extension RunArguments {
    /// The options with an absolute path for each program that was named by a relative one: it is the
    /// one that the caller means, wherever it runs later, and also at a resume.
    func locatingPrograms(
        _ given: [String: GivenOption]
    ) throws(Complaint) -> [String: GivenOption] {
        var located = given
        for (name, option) in given where option.spec.namesProgram {
            located[name]?.text = try locatingProgram(option.text)
        }
        return located
    }

    private func locatingProgram(_ text: String) throws(Complaint) -> String {
        let prefix = text.hasPrefix("exec:") ? "exec:" : ""
        guard let words = ShellWords(String(text.dropFirst(prefix.count))),
            let program = words.templates.first, program.contains("/"), !program.hasPrefix("/")
        else { return text }
        return prefix + words.withFirst(try surroundings.absolute(program))
    }
}
