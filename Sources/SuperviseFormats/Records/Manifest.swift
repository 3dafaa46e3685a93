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
