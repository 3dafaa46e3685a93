/// Old output and old events on a full disk: they are worth least, and go first.
///
/// For each save they are removed twice at most: first as much as is missing, then all that is left. What
/// the job writes meanwhile may not hold up a save for ever.
struct LogClearing: Equatable, Sendable {
    enum Next: Equatable, Sendable {
        /// Remove so many bytes; nil removes all.
        case order(bytes: Int64?)
        /// An order is under way, and its answer serves all who wait.
        case wait
        /// Nothing of them is left: something else has to go.
        case over
    }

    private var made = RoomMade.none
    private(set) var isOrdered = false

    /// - Parameter missing: so many bytes are wanted; nil or 0 where that is not known.
    mutating func next(missing: Int64?) -> Next {
        if isOrdered { return .wait }
        let missing = missing.flatMap { $0 > 0 ? $0 : nil }
        switch made {
        case .none:
            made = missing == nil ? .all : .some
            isOrdered = true
            return .order(bytes: missing)
        case .some:
            made = .all
            isOrdered = true
            return .order(bytes: nil)
        case .all: return .over
        }
    }

    mutating func answered(isMore: Bool) {
        isOrdered = false
        if !isMore { made = .all }
    }

    /// A save has come to its end, well or not: for the next one they are looked at anew.
    mutating func begin() { made = .none }
}
