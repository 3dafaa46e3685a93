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

/// The cells of a table one after the other, as there may be a hundred thousand rows.
package struct TableCells {
    private var bytes: [UInt8] = []
    /// Where each cell ends in `bytes`, and how many columns it takes.
    private var cells: [(end: Int, width: Int)] = []
    /// Where each row ends in `cells`.
    private var rows: [Int] = []
    private var widths: [Int] = []

    package init() {}

    package mutating func add(_ row: [String]) {
        for (column, text) in row.enumerated() {
            let width = Self.width(text)
            bytes.append(contentsOf: text.utf8)
            cells.append((bytes.count, width))
            if column == widths.count { widths.append(0) }
            widths[column] = max(widths[column], width)
        }
        rows.append(cells.count)
    }

    /// Columns two blanks apart.
    ///
    /// - Parameter right: the numbers of the columns whose texts are set to the right.
    package func text(right: Set<Int>) -> String {
        let alignsRight = widths.indices.map(right.contains)
        var result: [UInt8] = []
        result.reserveCapacity(rows.count * (widths.reduce(0, +) + 2 * widths.count))
        var cell = 0
        var start = 0
        for end in rows {
            // Blanks are written before what follows them, and so never at the end of a line.
            var blanks = 0
            for column in 0..<(end - cell) {
                let rest = widths[column] - cells[cell + column].width
                if alignsRight[column] { blanks += rest }
                let text = start..<cells[cell + column].end
                if !text.isEmpty {
                    for _ in 0..<blanks { result.append(UInt8(ascii: " ")) }
                    blanks = 0
                    result.append(contentsOf: bytes[text])
                }
                start = text.upperBound
                blanks += (alignsRight[column] ? 0 : rest) + 2
            }
            cell = end
            result.append(UInt8(ascii: "\n"))
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Quickly where there is nothing but ASCII.
    private static func width(_ text: String) -> Int {
        text.utf8.allSatisfy { $0 < 0x80 } ? text.utf8.count : text.count
    }
}
