import SuperviseFormats
import SuperviseStore
import SuperviseSystem

/// Runs of somebody else, who keeps them closed: those of services, for whoever is not root.
struct ClosedRuns: Equatable, Sendable {
    /// Their state directory.
    let directory: String
    /// None where that itself is closed.
    var names: [RunReference] = []
    var user = userId()

    /// What cannot be read, by whom, and how it can.
    ///
    /// - Parameter call: of `supervise`, that was in vain.
    func sentence(for call: String) -> String {
        let owner = names.count > 1 ? "their owner" : "its owner"
        return "user \(user) may not read \(what); call it as \(owner), or as root: "
            + "sudo supervise \(call)"
    }

    private var what: String {
        guard let first = names.first else { return directory }
        guard names.count > 1 else { return "\(directory)/\(first)" }
        var shown = names.prefix(8).map(\.description)
        if names.count > shown.count { shown.append("…") }
        return "\(names.count) runs in \(directory) (\(shown.joined(separator: ", ")))"
    }
}

extension FoundRun {
    /// That we may not read it, or not even know whether it is there; nil where we may, or where it
    /// cannot be read for another reason.
    var closed: ClosedRuns? {
        guard case .failure(let error) = record, error.isForbidden else { return nil }
        let isKnown = (try? Disk().status(store.paths.run)) != nil
        return ClosedRuns(directory: store.paths.stateDirectory, names: isKnown ? [name] : [])
    }
}

extension StoreError {
    /// The permissions are in the way.
    var isForbidden: Bool { systemError?.isForbidden ?? false }
}
