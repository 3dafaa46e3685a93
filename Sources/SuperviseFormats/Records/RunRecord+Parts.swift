extension RunRecord {
    /// A place where a run went on from another checkpoint than its newest.
    ///
    /// Checkpoints from `first` on continue from `parent`, up to the next fork.
    package struct Fork: Codable, Equatable, Sendable {
        /// No checkpoint after the fork has a lower sequence number.
        package var first: Int64
        /// The sequence number of the checkpoint that was gone on from; null for the beginning.
        @Null package var parent: Int64?
        /// True if a person asked for it, false if attempts from newer checkpoints had failed.
        package var asked: Bool

        package init(first: Int64, parent: Int64?, asked: Bool) {
            self.first = first
            self.parent = parent
            self.asked = asked
        }
    }
}

/// A list that may be missing when read, and is empty then.
@propertyWrapper
package struct OrEmpty<Element> {
    package var wrappedValue: [Element]

    package init(wrappedValue: [Element] = []) {
        self.wrappedValue = wrappedValue
    }
}

extension OrEmpty: Equatable where Element: Equatable {}

extension OrEmpty: Sendable where Element: Sendable {}

extension OrEmpty: Codable where Element: Codable {
    package init(from decoder: any Decoder) throws {
        wrappedValue = try decoder.singleValueContainer().decode([Element].self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(wrappedValue)
    }
}

extension KeyedDecodingContainer {
    /// The synthesized initializers find this one, and so a missing key is an empty list.
    package func decode<Element: Codable>(
        _ type: OrEmpty<Element>.Type, forKey key: Key
    ) throws -> OrEmpty<Element> {
        OrEmpty(wrappedValue: try decodeIfPresent([Element].self, forKey: key) ?? [])
    }
}

extension RunRecord {
    /// What progress is judged by, besides commits: reported steps, and how attempts ended.
    package struct Progress: Codable, Equatable, Sendable {
        /// The highest step that the job has ever reported; null where it has reported none.
        ///
        /// A supervisor that is killed may have heard of higher ones.
        @Null package var reportedStep: Int64?
        /// The newest attempts that ended in the same way; null where the newest did not fail.
        @Null package var sameEnds: SameEnds?

        package init(reportedStep: Int64? = nil, sameEnds: SameEnds? = nil) {
            self.reportedStep = reportedStep
            self.sameEnds = sameEnds
        }

        package enum CodingKeys: String, CodingKey {
            case reportedStep = "reported_step"
            case sameEnds = "same_ends"
        }
    }

    /// Attempts in a row that ended with the same status after about the same time.
    package struct SameEnds: Codable, Equatable, Sendable {
        @Null package var exitCode: Int?
        @Null package var signal: String?
        /// How long each lived, in seconds, the newest last.
        package var lived: [Double]

        package init(exitCode: Int?, signal: String?, lived: [Double]) {
            self.exitCode = exitCode
            self.signal = signal
            self.lived = lived
        }

        package enum CodingKeys: String, CodingKey {
            case signal
            case exitCode = "exit_code"
            case lived = "lived_s"
        }
    }
}

extension RunRecord.Progress {
    func write(_ json: inout JSONWriter) {
        json.member("reported_step", reportedStep)
        if let sameEnds {
            json.member("same_ends") { json in
                json.member("exit_code", sameEnds.exitCode.map(Int64.init))
                json.member("lived_s", sameEnds.lived)
                json.member("signal", sameEnds.signal)
            }
        } else {
            json.null("same_ends")
        }
    }
}

extension KeyedDecodingContainer {
    /// The synthesized initializers find this one: records of older versions have none.
    package func decode(
        _ type: RunRecord.Progress.Type, forKey key: Key
    ) throws -> RunRecord.Progress {
        try decodeIfPresent(type, forKey: key) ?? RunRecord.Progress()
    }
}

/// A record that can be read as one, and yet holds what no supervisor has written: edited by hand, or
/// rotten in a way that JSON does not show. Its numbers are counted on, so none may be believed that
/// leaves no room for the next.
extension RunRecord {
    /// So far doubles count exactly, and nobody counts farther.
    private static let most = 1 << 53

    /// What is wrong with it, such as `"attempt" is -1`; nil where it may be believed.
    package var fault: String? {
        for (key, value) in counts where value < 0 || value > Self.most {
            return "\"\(key)\" is \(value)"
        }
        if sequence > CheckpointID.mostSequence { return "\"sequence\" is \(sequence)" }
        if RunName(name) == nil { return "\"name\" is no run's name" }
        if command.first?.isEmpty ?? true { return "\"command\" is empty" }
        if !FilePath(directory).isAbsolute { return "\"directory\" is no absolute path" }
        if let checkpointDirectory, !FilePath(checkpointDirectory).isAbsolute {
            return "\"checkpoint_directory\" is no absolute path"
        }
        if format.isFirst, checkpointDirectory == nil {
            return "the key \"checkpoint_directory\" is missing"
        }
        if let program, !FilePath(program).isAbsolute {
            return "\"program\" is no absolute path"
        }
        if let home, !FilePath(home.path).isAbsolute {
            return "\"home.path\" is no absolute path"
        }
        if let sharedThrough, !(0...CheckpointID.mostSequence).contains(sharedThrough) {
            return "\"shared_through\" is \(sharedThrough)"
        }
        if !Self.isToken(runToken, digits: 16) { return "\"run_token\" is not 16 digits" }
        if let current, !Self.isToken(current.token, digits: 32) {
            return "\"current.token\" is not 32 digits"
        }
        return branchFault
    }

    private var branchFault: String? {
        var last: Int64 = 0
        for fork in branches {
            let parent = fork.parent ?? 0
            guard fork.first > last, fork.first <= CheckpointID.mostSequence + 1, parent >= 0,
                parent < fork.first
            else { return "\"branches\" has a fork at \(fork.first) from \(parent)" }
            last = fork.first
        }
        return nil
    }

    private var counts: [(String, Int)] {
        [
            ("attempt", attempt), ("attempts_reserved", attemptsReserved ?? 0),
            ("sequence", Int(clamping: sequence)), ("commits", commits),
            ("failures.total", failures.total),
            ("failures.without_progress", failures.withoutProgress),
        ] + failures.suspects.map { ("failures.suspects.\($0.key)", $0.value) }
    }

    private static func isToken(_ text: String, digits: Int) -> Bool {
        text.utf8.count == digits
            && text.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }
}

extension Manifest {
    /// What is wrong with its sizes; nil where they can be added up.
    package var fault: String? {
        var sum: Int64 = 0
        for file in files {
            let (next, overflow) = sum.addingReportingOverflow(file.bytes)
            guard file.bytes >= 0, !overflow, next < 1 << 60 else {
                return "it gives a file \(file.bytes) bytes"
            }
            sum = next
        }
        return nil
    }
}

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
