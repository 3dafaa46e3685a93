/// What is still to happen, by time; at the same time, in the order in which it was put.
struct EventQueue<Happening> {
    struct Entry {
        let at: Int64
        let happening: Happening
    }

    /// The next one last.
    private var entries: [Entry] = []

    mutating func put(_ happening: Happening, at: Int64) {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].at > at { low = middle + 1 } else { high = middle }
        }
        entries.insert(Entry(at: at, happening: happening), at: low)
    }

    mutating func next() -> Entry? { entries.popLast() }
}
