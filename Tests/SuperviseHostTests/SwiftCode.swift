/// The code of a Swift file without its comments and without the texts of its string literals, so
/// that what is only talked about is not found. Lines stay lines; interpolations are code.
struct SwiftCode {
    let lines: [String]

    init(_ source: String) {
        var reader = Reader(rest: Array(source)[...])
        reader.readCode(until: nil)
        lines = reader.code.split(separator: "\n", omittingEmptySubsequences: false)
            .map(String.init)
    }

    /// The modules that are imported, each with the number of its line.
    var imports: [(module: String, line: Int)] {
        let kinds: Set = [
            "typealias", "struct", "class", "enum", "protocol", "let", "var", "func", "actor",
        ]
        return statements.compactMap { words, line in
            guard let keyword = words.firstIndex(of: "import"),
                words[..<keyword].allSatisfy(Self.isModifier)
            else { return nil }
            let path = words[(keyword + 1)...].drop { kinds.contains($0) }.first ?? ""
            return (String(path.prefix { $0 != "." }), line)
        }
    }

    /// The lines with a `!` behind a value or a type: `x!`, `f()!`, `try!`, `as!`, `T!`.
    var forcedLines: [Int] {
        lines.enumerated().filter { Self.isForced(Array($0.element)) }.map { $0.offset + 1 }
    }

    /// The lines with a word that stands by itself.
    func lines(with word: String) -> [Int] {
        statements.filter { $0.words.contains { Self.head(of: $0) == word } }.map(\.line)
    }

    private var statements: [(words: [String], line: Int)] {
        lines.enumerated().flatMap { number, line in
            line.split(separator: ";").map {
                ($0.split { " \t(){}[],:".contains($0) }.map(String.init), number + 1)
            }
        }
    }

    /// `fatalError` of `fatalError`, and of `Swift.fatalError`.
    private static func head(of word: String) -> String {
        word.split(separator: ".").last.map(String.init) ?? word
    }

    private static func isModifier(_ word: String) -> Bool {
        word.hasPrefix("@")
            || ["public", "package", "internal", "fileprivate", "private"].contains(word)
    }

    private static func isForced(_ line: [Character]) -> Bool {
        line.indices.dropFirst().contains { index in
            guard line[index] == "!", index + 1 == line.count || line[index + 1] != "=" else {
                return false
            }
            let before = line[index - 1]
            return before.isLetter || before.isNumber || "_)]}>?\"'`".contains(before)
        }
    }
}

private struct Reader {
    var rest: ArraySlice<Character>
    var code = ""

    private func starts(with text: String) -> Bool {
        rest.starts(with: Array(text))
    }

    private mutating func take(_ count: Int = 1) {
        code += String(rest.prefix(count))
        rest = rest.dropFirst(count)
    }

    private mutating func skip(_ count: Int = 1) {
        code += String(rest.prefix(count).filter { $0 == "\n" })
        rest = rest.dropFirst(count)
    }

    /// Reads to the parenthesis that ends an interpolation, or to the end.
    mutating func readCode(until closing: Character?) {
        var depth = 0
        while let next = rest.first {
            if starts(with: "//") {
                skip(rest.prefix { $0 != "\n" }.count)
            } else if starts(with: "/*") {
                skipBlockComment()
            } else if next == "\"" || startsRawString {
                readString()
            } else {
                if next == "(" { depth += 1 }
                if next == ")" { depth -= 1 }
                take()
                if depth < 0, next == closing { return }
            }
        }
    }

    /// Comments may hold comments.
    private mutating func skipBlockComment() {
        var depth = 0
        repeat {
            let step = starts(with: "/*") ? 1 : starts(with: "*/") ? -1 : 0
            depth += step
            skip(step == 0 ? 1 : 2)
        } while depth > 0 && !rest.isEmpty
    }

    private var startsRawString: Bool {
        rest.first == "#" && rest.drop { $0 == "#" }.first == "\""
    }

    private mutating func readString() {
        let hashes = String(rest.prefix { $0 == "#" })
        skip(hashes.count)
        let quote = starts(with: "\"\"\"") ? "\"\"\"" : "\""
        code += "\""
        skip(quote.count)
        while !rest.isEmpty, !starts(with: quote + hashes) {
            if starts(with: "\\\(hashes)(") {
                skip(1 + hashes.count)
                take()
                readCode(until: ")")
            } else if starts(with: "\\\(hashes)") {
                skip(2 + hashes.count)
            } else {
                skip()
            }
        }
        skip(quote.count + hashes.count)
        code += "\""
    }
}
