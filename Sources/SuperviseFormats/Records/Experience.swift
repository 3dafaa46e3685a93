/// What a run has shown of itself, over all its attempts: `--checkpoint-every auto` goes by it.
package struct Experience: Codable, Equatable, Sendable {
    /// What a checkpoint costs, in seconds: how long it holds the job up, and from `commit` or `add`
    /// until it is durable. A running estimate; null before the first.
    @Null package var cost: Double?
    /// How many checkpoints that estimate is made from.
    package var measured = 0
    /// The last of them, the newest last: from the request, or `begin`, until it was durable, in
    /// seconds.
    package var recent: [Double] = []
    /// From a request until the job looks and begins to save, in seconds: a running estimate; null
    /// before the first.
    @Null package var wait: Double?
    /// Crashes, hangs and deaths of the machine; not what could not even be started.
    package var failures = 0
    /// How long jobs have run, in seconds.
    package var ran = 0.0

    package enum CodingKeys: String, CodingKey {
        case measured, failures
        case cost = "cost_s"
        case recent = "recent_costs_s"
        case wait = "wait_s"
        case ran = "ran_s"
    }

    package init() {}

    /// A record may be older than `recent_costs_s` and `wait_s`.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        cost = try container.decodeIfPresent(Double.self, forKey: .cost)
        measured = try container.decode(Int.self, forKey: .measured)
        recent = try container.decodeIfPresent([Double].self, forKey: .recent) ?? []
        wait = try container.decodeIfPresent(Double.self, forKey: .wait)
        failures = try container.decode(Int.self, forKey: .failures)
        ran = try container.decode(Double.self, forKey: .ran)
    }
}

extension KeyedDecodingContainer {
    /// The synthesized initializers find this one: a record without it has shown nothing yet.
    package func decode(_ type: Experience.Type, forKey key: Key) throws -> Experience {
        try decodeIfPresent(type, forKey: key) ?? Experience()
    }
}
