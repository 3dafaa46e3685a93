/// `init.json`: `supervise init` has made the run's directory, for a start that requires it.
///
/// It stays there. A run that has a status or a record has begun.
package struct InitialNote: Codable, Equatable, Sendable {
    package var format = FormatVersion()
    package var created: Timestamp
    package var host: String

    package init(created: Timestamp, host: String) {
        self.created = created
        self.host = host
    }
}
