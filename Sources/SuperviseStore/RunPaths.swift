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

    /// - Parameter payload: as in ``RunRecord/checkpointDirectory``.
    package init(
        stateDirectory: String, name: RunName, payload: String, archivedAt: String? = nil
    ) {
        self.stateDirectory = stateDirectory
        self.name = name
        self.payload = payload
        self.archivedAt = archivedAt
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

    package var index: String { "\(payload)/checkpoints.index" }

    /// A committed checkpoint's directory.
    package func checkpoint(_ id: CheckpointID) -> String { "\(checkpoints)/\(id)" }

    /// The directory of a checkpoint that is being written.
    package func staging(_ id: CheckpointID) -> String { "\(staging)/\(id)" }

    var recordTemporary: String { "\(record).tmp" }
    var statusTemporary: String { "\(status).tmp" }
    /// Whether checkpoints are somewhere else than the rest.
    var isSplit: Bool { payload != run }
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
    static let data = "data"
    /// The directory of compressed copies, the list of them, and the checksums of both; where the
    /// last is, all of it is whole.
    static let compressed = "compressed"
    static let compressedList = "compressed.json"
    static let compressedChecksums = "SHA256SUMS.compressed"
}

/// The directory that holds what is at an absolute path.
package func parent(of path: String) -> String {
    let head = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { path[..<$0] } ?? ""
    return head.isEmpty ? "/" : String(head)
}

/// Texts by their bytes. To Swift, two names that differ only in how an accent is written are equal;
/// to a file system they are two files.
func precedes(_ left: String, _ right: String) -> Bool {
    left.utf8.lexicographicallyPrecedes(right.utf8)
}

/// Whether an absolute path is a directory, or leads to something in it.
func isBelow(_ path: String, _ directory: String) -> Bool {
    guard path.utf8.starts(with: directory.utf8) else { return false }
    let next = path.utf8.dropFirst(directory.utf8.count).first
    return next == nil || next == UInt8(ascii: "/")
}

func isSame(_ left: String, _ right: String) -> Bool {
    left.utf8.elementsEqual(right.utf8)
}
