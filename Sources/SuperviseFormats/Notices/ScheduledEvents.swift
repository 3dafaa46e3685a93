/// What Azure's instance metadata says of planned events, for all machines of a group.
///
/// ("Azure Metadata Service: Scheduled Events for Linux VMs", version 2020-07-01.)
package struct ScheduledEvents: Decodable, Equatable, Sendable {
    package var events: [Event]

    package struct Event: Decodable, Equatable, Sendable {
        package var id: String
        /// `Freeze`, `Reboot`, `Redeploy`, `Preempt` or `Terminate`.
        package var type: String
        /// The names of the machines that are meant.
        package var resources: [String]
        /// `Scheduled`, or `Started`.
        package var status: String?
        /// The earliest moment, as it is written there (RFC 1123); empty once it has started.
        package var notBefore: String?

        package enum CodingKeys: String, CodingKey {
            case id = "EventId"
            case type = "EventType"
            case resources = "Resources"
            case status = "EventStatus"
            case notBefore = "NotBefore"
        }
    }

    package enum CodingKeys: String, CodingKey { case events = "Events" }
}

/// What Azure's instance metadata says of the machine itself.
package struct AzureInstance: Decodable, Equatable, Sendable {
    package var compute: Compute

    package struct Compute: Decodable, Equatable, Sendable {
        package var name: String
    }
}

/// With this an event is started at once instead of at its time.
package struct StartRequests: Encodable, Equatable, Sendable {
    package var requests: [Request]

    package struct Request: Encodable, Equatable, Sendable {
        package var id: String

        package enum CodingKeys: String, CodingKey { case id = "EventId" }
    }

    package init(id: String) { requests = [Request(id: id)] }

    package enum CodingKeys: String, CodingKey { case requests = "StartRequests" }
}

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

/// The line of JSON by which a program of `--preempt exec:…` says that it is time.
package struct NoticeLine: Decodable, Equatable, Sendable {
    /// Seconds from now until the machine is gone.
    package var deadline: Double?
    /// `terminate`, `stop`, `hibernate` or `checkpoint`.
    package var action: String?

    package enum CodingKeys: String, CodingKey {
        case action
        case deadline = "deadline_s"
    }
}
