/// `manifest.json` of a checkpoint: what it is, and the files that it holds.
package struct Manifest: Codable, Equatable, Sendable {
    package var format = FormatVersion()
    package var id: CheckpointID
    package var sequence: Int64
    @Null package var step: Int64?
    package var reason: Reason
    package var attempt: Int
    /// What the attempt had last committed, or had resumed from, before this one.
    @Null package var parent: CheckpointID?
    package var created: Timestamp
    /// From the request, or where there was none from `begin`, until it was durable.
    package var seconds: Double
    /// Every payload file, in order of path.
    package var files: [File]
    /// Every symbolic link in the payload, in order of path; none leads out of it.
    package var links: [Link]
    package var metrics: [String: Double]
    package var metadata: [String: JSONValue]
    package var ranks: Int
    /// The payload is this one file below `data/`: the job gets its path, not the directory's.
    @Null package var single: FilePath?
    /// The payload is this one directory below `data/`: the job gets its path. nil also in a manifest
    /// of an older version, where its content is in `data/` itself.
    package var directory: FilePath?
    /// Where the payload is, if it is not in `data/`; all paths in it are absolute then.
    @Null package var outside: OutsidePayload?
    /// The absolute path that `--watch` took it from; of others it is not there.
    package var source: FilePath?
    /// How far the job was; not there if it had told nothing, and in manifests of older versions.
    package var progress: Progress?

    /// Why a checkpoint was made.
    package enum Reason: String, Codable, Sendable {
        case interval, manual, shutdown, preemption
        /// The job made it by itself.
        case job
    }

    /// One payload file.
    package struct File: Codable, Equatable, Sendable {
        /// Below the checkpoint's directory, such as `data/model.bin`; of any bytes but NUL.
        package var path: FilePath
        package var bytes: Int64
        /// When it was written last, in nanoseconds since 1970: only of a payload outside, where it
        /// tells whether a file is still the one that was taken.
        package var modified: Int64?

        package init(path: FilePath, bytes: Int64, modified: Int64? = nil) {
            self.path = path
            self.bytes = bytes
            self.modified = modified
        }
    }

    /// One symbolic link.
    package struct Link: Codable, Equatable, Sendable {
        /// Below the checkpoint's directory, such as `data/latest`.
        package var path: FilePath
        /// What it says: relative to where it is.
        package var target: FilePath

        package init(path: FilePath, target: FilePath) {
            self.path = path
            self.target = target
        }
    }

    package init(
        id: CheckpointID, reason: Reason, attempt: Int, parent: CheckpointID?, created: Timestamp,
        seconds: Double, files: [File], links: [Link] = [], metrics: [String: Double],
        metadata: [String: JSONValue], ranks: Int = 1, single: FilePath? = nil,
        directory: FilePath? = nil, outside: OutsidePayload? = nil, source: FilePath? = nil
    ) {
        self.id = id
        sequence = id.sequence
        step = id.step
        self.reason = reason
        self.attempt = attempt
        self.parent = parent
        self.created = created
        self.seconds = seconds
        self.files = files
        self.links = links
        self.metrics = metrics
        self.metadata = metadata
        self.ranks = ranks
        self.single = single
        self.directory = directory
        self.outside = outside
        self.source = source
    }

    /// The directory or the file that is the payload, as the paths in this manifest go.
    package var top: FilePath { single ?? directory ?? outside?.path ?? "data" }

    /// The path that a job is given: of the payload's directory, or of the file where it is a single
    /// one.
    ///
    /// - Parameter checkpoint: the checkpoint's directory.
    package func payloadPath(in checkpoint: String) -> String {
        Self.place(of: top, in: checkpoint)
    }

    /// Where one of the paths in a manifest leads.
    ///
    /// - Parameter directory: the checkpoint's.
    package static func place(of path: FilePath, in directory: String) -> String {
        path.isAbsolute ? path.text : "\(directory)/\(path.text)"
    }

    /// The size of the payload.
    package var bytes: Int64 { files.reduce(0) { $0 + $1.bytes } }
}

/// How much of its work a job has done, by the steps that it reports.
package enum ProgressFraction {
    /// `(step - first) / (total - first)`; nil if there is no total above `first`.
    ///
    /// - Parameter first: the step at the beginning; nil is 0. The year 2027 of 2025 to 2060 is 2 of 35.
    package static func of(step: Int64?, first: Int64?, total: Int64?) -> Double? {
        guard let step, let total else { return nil }
        let first = Double(first ?? 0)
        guard Double(total) > first else { return nil }
        return max(0, (Double(step) - first) / (Double(total) - first))
    }
}

extension Manifest {
    /// How far the job was when it made a checkpoint.
    package struct Progress: Codable, Equatable, Sendable {
        @Null package var step: Int64?
        @Null package var first: Int64?
        @Null package var total: Int64?
        @Null package var unit: String?
        @Null package var fraction: Double?

        /// - Parameter step: of the checkpoint; without one, that of the job's last report counts.
        /// - Returns: nil if the job has told nothing of its progress.
        package init?(_ told: Status.Progress, at step: Int64?) {
            let step = step ?? told.step
            guard told.step != nil || told.total != nil else { return nil }
            self.step = step
            first = told.first
            total = told.total
            unit = told.unit
            fraction = ProgressFraction.of(step: step, first: told.first, total: told.total)
        }
    }
}

/// `pins.json`: the checkpoints that stay until somebody unpins them.
///
/// Retention believes this file, so a byte that rots in it must not free a checkpoint: `seal` is a
/// digest of the ids, and where it does not fit, nothing can be told.
package struct Pins: Codable, Equatable, Sendable {
    package var format = FormatVersion()
    /// In order of sequence.
    package var pins: [CheckpointID]
    /// See ``sealed(_:)``.
    package var seal: String

    package init(_ ids: some Sequence<CheckpointID>, seal: String) {
        pins = ids.sorted()
        self.seal = seal
    }

    /// What the seal is the SHA-256 of, in hexadecimal: the ids, each on a line, in order.
    package static func sealed(_ ids: some Sequence<CheckpointID>) -> [UInt8] {
        Array(ids.sorted().map { "\($0)\n" }.joined().utf8)
    }
}
