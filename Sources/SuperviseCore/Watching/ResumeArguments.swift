import SuperviseFormats

/// `--resume-args`: what is added to the command where there is a checkpoint to go on from.
package struct ResumeArguments: Equatable, Sendable {
    /// With `{checkpoint}`, `{id}` and `{step}` as they were written.
    package let templates: [String]

    /// Splits words as a shell does: quotes and backslashes count, nothing is expanded. nil where a
    /// quote is not closed, or there is no word.
    package init?(_ text: String) {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var rest = Substring(text)
        while let character = rest.popFirst() {
            if character == "\\", quote != "'" {
                let next = rest.popFirst()
                // Between double quotes it stands for itself, but before what it can guard.
                let keeps = quote == "\"" && next.map { !"\\\"$`".contains($0) } == true
                word = (word ?? "") + (keeps ? "\\" : "") + (next.map { String($0) } ?? "\\")
            } else if let open = quote {
                if character == open { quote = nil } else { word?.append(character) }
            } else if character == "'" || character == "\"" {
                quote = character
                word = word ?? ""
            } else if character.isWhitespace {
                word.map { words.append($0) }
                word = nil
            } else {
                word = (word ?? "") + String(character)
            }
        }
        word.map { words.append($0) }
        guard quote == nil, !words.isEmpty, !text.contains("\0") else { return nil }
        templates = words
    }

    /// The words for this checkpoint. `{checkpoint}` is the payload's path, a file's where the job
    /// wrote a single one; `{step}` is empty where there is none.
    package func words(for checkpoint: CheckpointSummary) -> [String] {
        let values = [
            ("{checkpoint}", checkpoint.path), ("{id}", checkpoint.id.description),
            ("{step}", checkpoint.id.step.map { String($0) } ?? ""),
        ]
        return templates.map { template in
            var result = ""
            var rest = Substring(template)
            while !rest.isEmpty {
                if let (name, value) = values.first(where: { rest.hasPrefix($0.0) }) {
                    result += value
                    rest = rest.dropFirst(name.count)
                } else {
                    result.append(rest.removeFirst())
                }
            }
            return result
        }
    }
}
