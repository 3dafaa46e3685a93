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
