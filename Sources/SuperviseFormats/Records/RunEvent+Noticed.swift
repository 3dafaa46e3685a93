extension RunEvent {
    /// Somebody says that the machine is taken away, or may be.
    package struct Noticed: Codable, Equatable, Sendable {
        /// Such as `aws` or `SIGUSR2`.
        package var source: String
        /// `terminate`, `stop`, `hibernate` or `checkpoint`.
        package var action: String
        /// Seconds until the machine is gone; null where it is to stay.
        @Null package var left: Double?
        /// What in it cannot be true; null where nothing is.
        @Null package var doubt: String?

        package init(source: String, action: String, left: Double? = nil, doubt: String? = nil) {
            self.source = source
            self.action = action
            self.left = left
            self.doubt = doubt
        }
        package enum CodingKeys: String, CodingKey {
            case source, action, doubt
            case left = "left_s"
        }
    }
}
