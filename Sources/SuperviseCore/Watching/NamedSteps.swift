import SuperviseFormats

/// Whether the numbers in the names of watched files are steps.
///
/// They are as long as they rise within an attempt, and an attempt begins at or above the step that it
/// resumed from. The first number that does not ends it for the run: names that take turns
/// (`ckpt-0`, `ckpt-1`), times of the day, and numbers that begin again tell nothing of how far the
/// job is. A number may come again, for a file that is written again or for two files of one step; but
/// one that is the only number of the run so far, and keeps coming, is a part of the name. A directory
/// that is taken again and again, as its files come late one by one, is one save: it does not count as
/// coming again.
package struct NamedSteps: Equatable, Sendable {
    /// Whether numbers in names are steps; nil before any number has risen.
    package private(set) var trust: RunRecord.StepTrust?
    /// The lowest that may come next: what the attempt resumed from, then its highest.
    private var least: Int64?
    /// When the file of the highest was complete.
    private var leastAt: Instant?
    /// How often the first number of the run has come again, in other places.
    private var repeats = 0
    /// The directories with the first number of the run, until another one rises.
    private var firstDirectories: Set<FilePath> = []
    /// How often one of these was taken again.
    private var retakes = 0

    /// A file may be written again so often before any number has risen.
    static let mostRepeats = 3

    /// - Parameter hasRetakes: there are several takes of one path.
    package init(_ trust: RunRecord.StepTrust? = nil, hasRetakes: Bool = false) {
        self.trust = trust
        if hasRetakes { retakes = Self.mostRepeats + 1 }
    }

    /// Whether a take of a path stands for the earlier takes with the same step.
    ///
    /// A directory with the only number of the run that is taken more often than late files explain may
    /// be one that is written over for ever: then its takes are different saves, and all stay until a
    /// number has risen.
    package var replaceRetakes: Bool { trust != nil || retakes <= Self.mostRepeats }

    /// An attempt begins.
    ///
    /// - Parameter step: of the checkpoint that it resumes from; nil without one.
    package mutating func begin(from step: Int64?) {
        least = step
        leastAt = nil
    }

    /// The step of the next file, by the number in its name; nil from the first breach on.
    ///
    /// - Parameters:
    ///   - completedAt: a file that was complete before another, and is reported after it, may have the
    ///     lower number.
    ///   - directory: where it is; nil for a file.
    package mutating func take(
        _ number: Int64, completedAt: Instant, directory: FilePath? = nil
    ) -> Int64? {
        guard trust != .ended else { return nil }
        let isNew =
            trust == .rising || directory.map { firstDirectories.insert($0).inserted } ?? true
        guard let least else {
            self.least = number
            leastAt = completedAt
            return number
        }
        if number < least {
            if let leastAt, completedAt < leastAt { return number }
            trust = .ended
            return nil
        }
        if number > least {
            trust = .rising
            firstDirectories = []
        } else if trust == nil {
            cameAgain(isNew: isNew)
        }
        self.least = number
        leastAt = completedAt
        return trust == .ended ? nil : number
    }

    private mutating func cameAgain(isNew: Bool) {
        if !isNew { return retakes += 1 }
        repeats += 1
        if repeats > Self.mostRepeats { trust = .ended }
    }
}

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
