/// Why `supervise` itself cannot do its work: one sentence that says what to do.
package struct HostError: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
