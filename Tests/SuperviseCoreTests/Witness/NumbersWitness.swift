import SuperviseCore

/// A number or a token of an attempt is given once, over the lives of all supervisors.
struct NumbersWitness {
    private var numbers: Set<Int> = []
    private var tokens: Set<String> = []

    /// A process is made for it.
    mutating func judge(_ order: Action.SpawnOrder) throws(Violation) {
        if !numbers.insert(order.attempt).inserted {
            throw Violation("numbers", "a second attempt \(order.attempt) is started")
        }
        if !tokens.insert(order.token).inserted {
            throw Violation("numbers", "attempt \(order.attempt) has the token of another one")
        }
    }
}
