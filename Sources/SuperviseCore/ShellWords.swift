/// Words with places in them that are filled in later, such as `--resume {checkpoint}`.
package struct ShellWords: Equatable, Sendable {
    /// As they were written.
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

    /// The words with each place replaced by its value, once: a value is not looked at again.
    package func filled(_ values: [(place: String, value: String)]) -> [String] {
        templates.map { template in
            var result = ""
            var rest = Substring(template)
            while !rest.isEmpty {
                if let found = values.first(where: { rest.hasPrefix($0.place) }) {
                    result += found.value
                    rest = rest.dropFirst(found.place.count)
                } else {
                    result.append(rest.removeFirst())
                }
            }
            return result
        }
    }
}

/// How words are written.
extension ShellWords {
    /// The words with another one in place of the first, as text that reads as the same words.
    package func withFirst(_ word: String) -> String {
        var text = ""
        for word in [word] + templates.dropFirst() {
            if !text.isEmpty { text += " " }
            text += Self.quoted(word)
        }
        return text
    }

    private static func quoted(_ word: String) -> String {
        var quoted = "'"
        for character in word { quoted += character == "'" ? "'\\''" : String(character) }
        return quoted + "'"
    }
}
