import SuperviseSystem

/// What a test waited for did not come; the text says what did.
package struct TestFailure: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// How long a test waits for what must happen: far more than it takes, as only a failure waits so
/// long. In seconds, `PATIENCE` sets it.
package let patience = Duration.seconds(
    environmentVariable("PATIENCE").flatMap { Int64($0) } ?? 60)
