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
