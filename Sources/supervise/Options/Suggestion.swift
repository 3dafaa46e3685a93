/// Finds the word that was probably meant.
enum Suggestion {
    /// The nearest of `words`, at most one slip for every three letters away, or else the only one
    /// that begins with what was written.
    static func nearest(to text: String, among words: [String]) -> String? {
        let scored = words.map { (word: $0, distance: distance(text, $0)) }
        if let best = scored.min(by: { $0.distance < $1.distance }),
            best.distance <= max(1, best.word.count / 3)
        {
            return best.word
        }
        let longer = words.filter { text.count >= 3 && $0.hasPrefix(text) }
        return longer.count == 1 ? longer.first : nil
    }

    /// How many letters have to be put in, left out, changed or swapped with their neighbour
    /// (Damerau and Levenshtein's distance, no letter being touched twice).
    static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left), Array(right))
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for (i, letter) in left.enumerated() {
            var row = [i + 1]
            for (j, other) in right.enumerated() {
                var best = min(last[j] + (letter == other ? 0 : 1), last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, letter == right[j - 1], left[i - 1] == other {
                    best = min(best, beforeLast[j - 1] + 1)
                }
                row.append(best)
            }
            (beforeLast, last) = (last, row)
        }
        return last[right.count]
    }
}
