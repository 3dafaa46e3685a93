import SuperviseFormats
import SuperviseSystem

/// What is different where the job is another user than we are.
///
/// The job has its own staging directory and nothing else; of all above it, it may only pass through
/// what leads there. What it writes is read with its own rights, or it could have us read for it what
/// it cannot. When a checkpoint is committed its directories become ours, from the top down, so that
/// from then on nobody can put a link in place of one while we work there; the files stay the job's.
extension RunPart {
    /// Lets the job through to where checkpoints are, and will be.
    ///
    /// - Parameter made: directories that were made on the way there.
    package func openToOwner(through made: [String] = []) throws(StoreError) {
        guard let owner else { return }
        try writing { () throws(SystemError) in
            for root in made + [paths.stateDirectory, paths.payloadRoot] {
                try belongings.openToAll(root)
            }
            for directory in [paths.run, paths.payload, paths.checkpoints] {
                try belongings.open(directory, to: owner.group)
            }
        }
    }

    /// Lets the job through to what it stages.
    func openStaging(_ directory: String) throws(SystemError) {
        guard let owner else { return }
        for place in [paths.staging, directory] { try belongings.open(place, to: owner.group) }
    }

    func giveToOwner(_ directory: String) throws(SystemError) {
        guard let owner else { return }
        try belongings.give(directory, to: owner)
    }

    /// Makes all directories of a payload ours. The job can read them, and change nothing in them.
    ///
    /// - Parameter base: a checkpoint's directory, which is ours.
    func takeFromOwner(_ base: String) throws(StoreError) {
        guard let owner else { return }
        try writing { () throws(SystemError) in
            try walk("\(base)/\(CheckpointFile.data)") { (directory) throws(SystemError) in
                try belongings.show(directory.text, to: owner.group)
                // Now nobody else can change what its names lead to.
                return try files.list(directory.text)
            } visit: { (_, _) throws(SystemError) in
            }
        }
    }

    /// Makes sure that the job can read a checkpoint, which may be from a time when it was somebody
    /// else, or have been restored by us.
    func letOwnerRead(_ id: CheckpointID) throws(StoreError) {
        guard let owner else { return }
        let base = paths.checkpoint(id)
        try writing { () throws(SystemError) in try belongings.open(base, to: owner.group) }
        // What is outside is the job's own affair.
        guard try exists("\(base)/\(CheckpointFile.data)") else { return }
        try takeFromOwner(base)
        try writing { () throws(SystemError) in
            try walk("\(base)/\(CheckpointFile.data)") { (directory) throws(SystemError) in
                try files.list(directory.text)
            } visit: { (path, entry) throws(SystemError) in
                if entry.kind == .file { try belongings.giveFile(path.text, to: owner) }
            }
        }
    }
}
