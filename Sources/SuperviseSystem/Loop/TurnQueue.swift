/// The sources that wait for a turn, in order: each at most once, with all that the kernel has reported of it
/// meanwhile.
///
/// A source that wants another turn goes to the end, so that each has one before any has a second.
struct TurnQueue {
    private var ids: [UInt64] = []
    private var first = 0
    private var readiness: [UInt64: UInt32] = [:]

    var isEmpty: Bool { first == ids.count }
    var count: Int { ids.count - first }

    /// - Parameter bits: what is ready, added to what waits.
    mutating func add(_ id: UInt64, _ bits: UInt32) {
        if readiness[id] == nil { ids.append(id) }
        readiness[id, default: 0] |= bits
    }

    /// Takes the next one.
    mutating func next() -> (id: UInt64, readiness: UInt32)? {
        guard !isEmpty else { return nil }
        let id = ids[first]
        first += 1
        // Seldom, so that not all of them are moved for each.
        if first == ids.count || first > 1024 {
            ids.removeSubrange(..<first)
            first = 0
        }
        return (id, readiness.removeValue(forKey: id) ?? 0)
    }
}
