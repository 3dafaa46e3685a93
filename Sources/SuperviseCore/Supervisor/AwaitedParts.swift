/// What our end waits for. Each order is answered once, so a part is over after as many answers as
/// there were orders.
struct AwaitedParts: Equatable, Sendable {
    private var orders: [Closing.Part: Int] = [:]

    var isEmpty: Bool { orders.isEmpty }

    func contains(_ part: Closing.Part) -> Bool { orders[part] != nil }

    mutating func wasOrdered(_ part: Closing.Part) {
        orders[part, default: 0] += 1
    }

    /// One order of it was carried out, or cannot be.
    mutating func wasAnswered(_ part: Closing.Part) {
        guard let count = orders[part] else { return }
        orders[part] = count > 1 ? count - 1 : nil
    }

    /// The end no longer waits for parts that are not among these.
    mutating func keep(_ parts: Set<Closing.Part>) {
        orders = orders.filter { parts.contains($0.key) }
    }
}
