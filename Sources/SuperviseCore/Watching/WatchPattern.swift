import SuperviseFormats

/// A glob of `--watch`, such as `out/*/ckpt-*.pt`.
package struct WatchPattern: Equatable, Sendable {
    /// As it was written.
    package let text: String
    package let isAbsolute: Bool
    /// Of its parts between slashes; at least one.
    package let parts: [NamePattern]

    /// nil where nothing can fit: it is empty, ends with a slash or a point, or holds a NUL.
    package init?(_ text: String) {
        let path = FilePath(text)
        let parts = path.components.filter { $0 != "." }
        guard let last = parts.last, last != "..", text.utf8.last != UInt8(ascii: "/"),
            !text.utf8.contains(0)
        else { return nil }
        self.text = text
        isAbsolute = path.isAbsolute
        self.parts = parts.map { NamePattern($0.text) }
    }

    /// The step that a path tells, where it fits this pattern.
    ///
    /// Only what a wildcard stands for can tell it, and the last part of the path that has a number
    /// does: the number behind the word `step`, else the last whole number. An ending such as `.h5`
    /// is no part of it.
    package func step(in path: FilePath) -> Int64? {
        let names = path.components.suffix(parts.count)
        for (name, part) in zip(names, parts).reversed() where part.literal == nil {
            if let step = stepInName(name.text) { return step }
        }
        return nil
    }
}

/// See ``WatchPattern/step(in:)``.
private func stepInName(_ name: String) -> Int64? {
    var stem = Array(name.utf8)[...]
    while let dot = stem.lastIndex(of: UInt8(ascii: ".")), dot > stem.startIndex,
        isEnding(stem[(dot + 1)...])
    {
        stem = stem[..<dot]
    }
    let numbers = numbers(in: stem)
    let text = stem.map { $0 | 0x20 }
    let word = Array("step".utf8)
    for number in numbers {
        let before = text[..<(number.range.lowerBound - stem.startIndex)]
        let joint = before.reversed().prefix { !isLetter($0) && !isDigit($0) }
        if joint.count <= 1, before.dropLast(joint.count).suffix(4).elementsEqual(word) {
            return number.value
        }
    }
    return numbers.last { $0.isWhole }?.value
}

/// Such as `pt`, `safetensors`, `h5`, `bz2`.
private func isEnding(_ text: ArraySlice<UInt8>) -> Bool {
    text.allSatisfy(isLetter)
        || text.count <= 3 && text.contains(where: isLetter)
            && text.allSatisfy { isLetter($0) || isDigit($0) }
}

private struct Number {
    var range: Range<Int>
    var value: Int64
    /// It is no part of a decimal number.
    var isWhole: Bool
}

private func numbers(in text: ArraySlice<UInt8>) -> [Number] {
    var numbers: [Number] = []
    var index = text.startIndex
    while index < text.endIndex {
        guard isDigit(text[index]) else {
            index += 1
            continue
        }
        let end = text[index...].firstIndex { !isDigit($0) } ?? text.endIndex
        let dot = UInt8(ascii: ".")
        let isFraction =
            index - 2 >= text.startIndex && text[index - 1] == dot && isDigit(text[index - 2])
        let hasFraction = end + 1 < text.endIndex && text[end] == dot && isDigit(text[end + 1])
        if let value = Int64(String(decoding: text[index..<end], as: UTF8.self)) {
            numbers.append(
                Number(range: index..<end, value: value, isWhole: !isFraction && !hasFraction))
        }
        index = end
    }
    return numbers
}

private func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
}

private func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
}
