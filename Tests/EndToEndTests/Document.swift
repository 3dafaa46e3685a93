import SuperviseSystem
import Testing

/// A document of the repository and the blocks of code in it.
struct Document: Sendable {
    /// Relative to the repository.
    let path: String
    let text: String
    let blocks: [Block]

    /// What is between two fences.
    struct Block: Sendable, CustomTestStringConvertible {
        let document: String
        /// Of the opening fence.
        let line: Int
        let language: String
        /// The comment on the line before, which readers of the page do not see.
        let marker: String?
        let text: String

        var testDescription: String { "\(document):\(line)" }
    }

    /// - Parameter path: relative to the repository.
    init(_ path: String) {
        self.path = path
        // An unreadable document has no blocks, and each test says how many it wants.
        text = (try? readSmallFile("\(repository)/\(path)")) ?? ""
        blocks = Self.blocks(in: text, of: path)
    }

    /// The blocks of one language whose marker is this one.
    func blocks(_ languages: String..., marker: String?) -> [Block] {
        blocks.filter { languages.contains($0.language) && $0.marker == marker }
    }

    private static func blocks(in text: String, of document: String) -> [Block] {
        var blocks: [Block] = []
        var open: (line: Int, language: String, marker: String?, lines: [Substring])?
        var before: Substring = ""
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            if !line.hasPrefix("```") {
                open?.lines.append(line)
            } else if let block = open {
                blocks.append(
                    Block(
                        document: document, line: block.line, language: block.language,
                        marker: block.marker, text: block.lines.joined(separator: "\n") + "\n"))
                open = nil
            } else {
                let isMarked = before.hasPrefix("<!-- ") && before.hasSuffix(" -->")
                let marker = isMarked ? String(before.dropFirst(5).dropLast(4)) : nil
                open = (number + 1, String(line.dropFirst(3)), marker, [])
            }
            before = line
        }
        return blocks
    }
}

/// The directory that this file is in a part of.
let repository = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }
