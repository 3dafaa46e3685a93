/// Signals for a job that is being started, as people have sent them: it gets them once it runs.
///
/// They outlive a start that the machine has refused. What a stop sends is not among them.
struct HeldSignals: Equatable, Sendable {
    private var numbers: [Int32] = []

    /// As the kernel has it: of one that waits already there is no second.
    mutating func hold(_ number: Int32) {
        if !numbers.contains(number) { numbers.append(number) }
    }

    /// In the order in which they came.
    mutating func take() -> [Int32] {
        defer { numbers = [] }
        return numbers
    }

    mutating func forget() { numbers = [] }
}
