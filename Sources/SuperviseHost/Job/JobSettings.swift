import SuperviseSystem

/// What the job is to have otherwise than we have it.
package struct JobSettings: Equatable, Sendable {
    /// Entries `NAME=value`, over what it inherits; of two with one name the later one counts.
    package var environment: [String] = []
    /// Without an identity: that comes of ``user``, once it is looked up.
    package var process = ProcessSettings()
    package var user: UserChoice?

    package init() {}
}

/// A user and perhaps a group as somebody wrote them: each a name or a number.
package struct UserChoice: Equatable, Sendable {
    package var user: String
    /// nil for the user's own.
    package var group: String?

    /// `USER` or `USER:GROUP`; nil for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let isOdd = text.contains { $0.isWhitespace || $0 == "\0" || $0 == "/" }
        guard (1...2).contains(parts.count), !parts.contains(""), !isOdd else { return nil }
        user = parts[0]
        group = parts.count == 2 ? parts[1] : nil
    }
}
