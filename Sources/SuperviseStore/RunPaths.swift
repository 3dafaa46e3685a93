import SuperviseFormats

/// Where everything of a run is.
package struct RunPaths: Equatable, Sendable {
    package let stateDirectory: String
    package let name: RunName
    /// Holds `checkpoints/`, `staging/`, `trash/`, `set-aside/` `pins.json` and what is derived.
    package let payload: String
    /// When it was archived, as in ``RunReference/time``; nil for a run that is not.
    package let archivedAt: String?

    /// - Parameters:
    ///   - stateDirectory: an absolute path.
    ///   - checkpointRoot: `--checkpoint-dir`, an absolute path; nil keeps checkpoints with the rest.
    package init(stateDirectory: String, name: RunName, checkpointRoot: String? = nil) {
        self.init(
            stateDirectory: stateDirectory, name: name,
            payload: "\(checkpointRoot ?? stateDirectory)/\(name)")
    }

    /// - Parameters:
    ///   - payload: an absolute path.
    ///   - archivedAt: as in ``RunReference/time``; nil for a run that is not archived.
    package init(
        stateDirectory: String, name: RunName, payload: String, archivedAt: String? = nil
    ) {
        self.stateDirectory = stateDirectory
        self.name = name
        self.payload = payload
        self.archivedAt = archivedAt
    }

    /// The paths of a run whose record was read.
    package func following(_ record: RunRecord) -> RunPaths {
        with(payload: record.checkpointDirectory ?? run)
    }

    /// A run in the archive, with its checkpoints beside its record.
    package init(archived run: RunReference, in stateDirectory: String) {
        self.init(
            stateDirectory: stateDirectory, name: run.name,
            payload: "\(stateDirectory)/.archive/\(run.label)", archivedAt: run.time)
    }

    func with(payload: String) -> RunPaths {
        RunPaths(
            stateDirectory: stateDirectory, name: name, payload: payload, archivedAt: archivedAt)
    }

    package var reference: RunReference { RunReference(name, time: archivedAt) }
    package var run: String {
        archivedAt == nil ? "\(stateDirectory)/\(name)" : "\(archive)/\(reference.label)"
    }
    package var record: String { "\(run)/run.json" }
    /// Of a run that `supervise init` has made.
    package var initialNote: String { "\(run)/init.json" }
    package var status: String { "\(run)/status.json" }
    package var events: String { "\(run)/events.jsonl" }
    /// What the job wrote, where that is kept, and reports on hangs.
    package var output: String { "\(run)/output" }
    package var locks: String { "\(stateDirectory)/.locks" }
    package var lock: String { "\(locks)/\(name)" }

    package var checkpoints: String { "\(payload)/checkpoints" }
    package var staging: String { "\(payload)/staging" }
    package var trash: String { "\(payload)/trash" }
    package var setAside: String { "\(payload)/set-aside" }
    package var pins: String { "\(payload)/pins.json" }

    /// Which state the payload directory belongs to, where that is not the run's own directory.
    package var owner: String { "\(payload)/owner" }
    /// The lock of a payload directory that is elsewhere.
    package var payloadLock: String {
        "\(payloadLocks)/\(FilePath(payload).name)"
    }
    package var payloadLocks: String { "\(payloadParent)/.locks" }

    package var index: String { "\(payload)/checkpoints.index" }

    /// A committed checkpoint's directory.
    package func checkpoint(_ id: CheckpointID) -> String { "\(checkpoints)/\(id)" }

    /// The directory of a checkpoint that is being written.
    package func staging(_ id: CheckpointID) -> String { "\(staging)/\(id)" }

    var recordTemporary: String { "\(record).tmp" }
    var statusTemporary: String { "\(status).tmp" }
    /// Whether checkpoints are somewhere else than the rest.
    package var isSplit: Bool { FilePath(payload) != FilePath(run) }
    var payloadParent: String { parent(of: payload) }
    /// The directory that holds ``payload``: the state directory, or that of `--checkpoint-dir`.
    package var payloadRoot: String { payloadParent }
    var archive: String { "\(stateDirectory)/.archive" }
    /// Where the payload goes when the run is archived; on the same file system.
    var payloadArchive: String { "\(payloadParent)/.archive" }
}

/// The names of the files in a checkpoint's directory.
enum CheckpointFile {
    static let manifest = "manifest.json"
    static let checksums = "SHA256SUMS"
    static let data: FilePath = "data"
    /// The directory of compressed copies, the list of them, and the checksums of both; where the
    /// last is, all of it is whole.
    static let compressed: FilePath = "compressed"
    static let compressedList = "compressed.json"
    static let compressedChecksums = "SHA256SUMS.compressed"
}

/// The directory that holds what is at an absolute path.
package func parent(of path: String) -> String {
    FilePath(path).parent.text
}
