import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem

/// Takes the lock of a payload directory that the user named, for as long as the run lasts.
struct PayloadHolder {
    let console: Console

    struct Held {
        let lock: FileLock
        let tenancy: PayloadTenancy

        /// Belongs behind ``RunStore/prepare()``.
        func claim(_ store: RunStore, sharedThrough: Int64?) throws(StoreError) {
            try store.payloadDirectory.claim(host: hostName(), sharedThrough: sharedThrough)
        }
    }

    /// - Parameter isRecorded: a record says that checkpoints are there: else a disk is not mounted.
    /// - Returns: nil where the payload is in the run's own directory.
    /// - Throws: ``HostError`` that names the other state; nothing was changed then.
    func take(_ store: RunStore, isRecorded: Bool) throws(HostError) -> Held? {
        guard let first = try look(store) else { return nil }
        if isRecorded {
            try ShortageWait(console).explaining { () throws(StoreError) in
                try store.payloadDirectory.requireCheckpoints()
            }
        }
        try ShortageWait(console).explaining { () throws(StoreError) in
            try store.payloadDirectory.prepareLock()
        }
        let lock = try LockWaiter(
            paths: store.paths, console: console, subject: .payload(of: first.owner?.run)
        ).take()
        // Another state may have had the lock, and made the directory its own meanwhile.
        let tenancy = try look(store) ?? first
        if let line = PayloadClaim(store).line(tenancy) { console.say(line, .normal) }
        return Held(lock: lock, tenancy: tenancy)
    }

    private func look(_ store: RunStore) throws(HostError) -> PayloadTenancy? {
        let claim = PayloadClaim(store)
        let tenancy = try ShortageWait(console).explaining { () throws(StoreError) in
            try claim.tenancy()
        }
        if let tenancy, let text = claim.refusal(tenancy) { throw HostError(text) }
        return tenancy
    }
}
