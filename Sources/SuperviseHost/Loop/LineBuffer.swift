import SuperviseSystem

/// What a peer has sent and nobody has heard yet. Each byte is looked at once, and moved at most once a read.
struct LineBuffer {
    private var bytes: [UInt8] = []
    /// Where the first line begins that was not taken.
    private var head = 0
    /// From `head` to here there is no newline.
    private var searched = 0
    /// Where the first line ends, once that was looked for.
    private var end: Int?

    /// In bytes.
    var count: Int { bytes.count - head }

    /// The whole of it, where no line has ended.
    var all: ArraySlice<UInt8> { bytes[head...] }

    /// A whole line is there.
    var hasLine: Bool {
        mutating get {
            if end == nil {
                end = firstIndex(of: UInt8(ascii: "\n"), in: bytes, from: searched)
                searched = end ?? bytes.count
            }
            return end != nil
        }
    }

    /// Appends what `read` gives.
    mutating func fill<Result>(
        _ read: (inout [UInt8]) throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        forgetTaken()
        return try read(&bytes)
    }

    /// Takes the first line, without its newline.
    mutating func takeLine() -> ArraySlice<UInt8>? {
        guard hasLine, let end else { return nil }
        let line = bytes[head..<end]
        head = end + 1
        searched = head
        self.end = nil
        return line
    }

    /// How many lines there are up to the last one with one of these words.
    func lines(upToLastWith words: [StaticString]) -> Int {
        var last = -1
        for word in words {
            var start = max(head, last)
            while let found = firstIndex(of: word, in: bytes, from: start) {
                // The rest of a line that contains one of the words does not matter.
                guard let end = firstIndex(of: UInt8(ascii: "\n"), in: bytes, from: found) else {
                    break
                }
                last = max(last, end)
                start = end + 1
            }
        }
        var (count, position) = (0, head)
        while position <= last,
            let end = firstIndex(of: UInt8(ascii: "\n"), in: bytes, from: position)
        {
            count += 1
            position = end + 1
        }
        return count
    }

    private mutating func forgetTaken() {
        guard head > 0 else { return }
        if head == bytes.count {
            // An idle connection is to cost little.
            bytes.removeAll(keepingCapacity: bytes.capacity <= 4096)
        } else {
            bytes.removeSubrange(..<head)
        }
        searched -= head
        if let end { self.end = end - head }
        head = 0
    }
}
