/// Text in lines and columns. A character counts as one column.
package enum TextLayout {
    /// Each paragraph broken into lines; what is in several lines already stays as it is.
    package static func wrapped(_ text: String, width: Int) -> String {
        text.contains("\n") ? text : lines(of: text, width: width).joined(separator: "\n")
    }

    /// Terms with their explanations in a second column, or below where the term is too long.
    package static func definitions(_ items: [(term: String, text: String)], width: Int) -> String {
        let column = 2 + min(26, items.map(\.term.count).max() ?? 0) + 2
        var result: [String] = []
        for item in items {
            var lines = lines(of: item.text, width: max(20, width - column))
            if item.term.count + 4 > column {
                result.append("  \(item.term)")
            } else if !lines.isEmpty {
                result.append("  " + padded(item.term, to: column - 2) + lines.removeFirst())
            }
            result += lines.map { String(repeating: " ", count: column) + $0 }
        }
        return result.joined(separator: "\n")
    }

    /// Rows in columns two blanks apart; no blanks at the end of a line.
    ///
    /// - Parameter right: the numbers of the columns whose texts are set to the right.
    package static func table(_ rows: some Sequence<[String]>, right: Set<Int> = []) -> String {
        var cells = TableCells()
        for row in rows { cells.add(row) }
        return cells.text(right: right)
    }

    /// `text` with blanks behind it up to `width`.
    package static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// Without the blanks at its end.
    package static func trimmed(_ line: String) -> String {
        String(line.reversed().drop { $0 == " " }.reversed())
    }

    private static func lines(of text: String, width: Int) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= width {
                lines[lines.count - 1] += " \(word)"
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }
}
