/// What `spot/instance-action` of the EC2 instance metadata says: that the machine is taken away.
///
/// ("Spot Instance interruption notices" in the user guide of Amazon EC2.)
package struct InstanceAction: Decodable, Equatable, Sendable {
    /// `terminate`, `stop` or `hibernate`.
    package var action: String
    /// When, as it is written there; about two minutes ahead.
    package var time: String?
}

/// What `events/recommendations/rebalance` says: that an interruption has become more likely.
package struct RebalanceRecommendation: Decodable, Equatable, Sendable {
    package var noticeTime: String
}
