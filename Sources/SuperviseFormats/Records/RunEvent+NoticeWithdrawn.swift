extension RunEvent {
    /// A source that had said that the machine is taken away does not say so any more.
    package struct NoticeWithdrawn: Codable, Equatable, Sendable {
        /// Such as `aws`.
        package var source: String
        /// `terminate` or `stop`, as it was said.
        package var action: String
        package var follows: Follows

        package enum Follows: String, Codable, Sendable {
            case goesOn = "goes_on"
            /// The job was told to end before.
            case ends
            case anotherCounts = "another_counts"
        }

        package init(source: String, action: String, follows: Follows) {
            self.source = source
            self.action = action
            self.follows = follows
        }
    }
}
