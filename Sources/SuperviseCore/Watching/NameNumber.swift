/// A whole number in the name of a file.
struct NameNumber: Equatable {
    var value: Int64
    /// Which of ``words`` stands before it; nil if none does.
    var word: Int?

    /// What marks a number as the step, the surest first. A number of one unit often begins again in
    /// each of the next.
    private static let words = [
        "global_step", "step", "iteration", "iter", "trial", "episode", "epoch", "year",
    ].map { Array($0.unicodeScalars) }

    /// The one with the surest word, else the last one.
    ///
    /// - Parameter numbers: in the order in which they stand in a path.
    static func step(among numbers: [NameNumber]) -> Int64? {
        let surest = numbers.compactMap(\.word).min()
        return numbers.last { $0.word == surest }?.value
    }

    /// nil if there are no digits, or too many.
    static func value(_ digits: some Sequence<Unicode.Scalar>) -> Int64? {
        Int64(text(digits))
    }

    private static func text(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars)
        return String(text)
    }

    /// All in a name, in order. A decimal number is none, and an ending such as `.h5` has none.
    ///
    /// - Parameter covered: of each character, whether it counts.
    static func all(in name: [Unicode.Scalar], covered: [Bool]) -> [NameNumber] {
        let stem = name[..<endOfStem(name)]
        var numbers: [NameNumber] = []
        var index = stem.startIndex
        while let start = stem[index...].firstIndex(where: isDigit) {
            let end = stem[start...].firstIndex { !isDigit($0) } ?? stem.endIndex
            index = end
            if isDecimal(start..<end, in: name) { continue }
            let digits = (start..<end).filter { covered[$0] }.map { name[$0] }
            guard let value = value(digits) else { continue }
            numbers.append(NameNumber(value: value, word: word(before: start, in: name)))
        }
        return numbers
    }

    /// It is the whole or the fraction of a number such as `0.55`.
    private static func isDecimal(_ range: Range<Int>, in name: [Unicode.Scalar]) -> Bool {
        let (start, end) = (range.lowerBound, range.upperBound)
        let isFraction = start >= 2 && name[start - 1] == "." && isDigit(name[start - 2])
        let hasFraction = end + 1 < name.count && name[end] == "." && isDigit(name[end + 1])
        return isFraction || hasFraction
    }

    /// The word may be joined to the number by one character, as in `step=5`.
    private static func word(before start: Int, in name: [Unicode.Scalar]) -> Int? {
        var text = name[..<start].map(\.properties.lowercaseMapping).joined().unicodeScalars
        if let last = text.last, !isLetter(last), !isDigit(last) { text.removeLast() }
        return words.firstIndex { text.suffix($0.count).elementsEqual($0) }
    }

    /// Where endings such as `.pt`, `.tar.gz`, `.h5` and `.bz2` begin.
    private static func endOfStem(_ name: [Unicode.Scalar]) -> Int {
        var end = name.endIndex
        while let dot = name[..<end].lastIndex(of: "."), dot > 0, isEnding(name[(dot + 1)..<end]) {
            end = dot
        }
        return end
    }

    private static func isEnding(_ text: ArraySlice<Unicode.Scalar>) -> Bool {
        guard text.allSatisfy({ isLetter($0) || isDigit($0) }) else { return false }
        if text.allSatisfy(isLetter) { return true }
        return text.count <= 3 && text.contains(where: isLetter)
            || Self.text(text).lowercased() == "hdf5"
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
    }
}
