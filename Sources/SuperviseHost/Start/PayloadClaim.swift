import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// The right to write to a payload directory that the user named: it belongs to one state.
package struct PayloadClaim {
    let store: RunStore
    private let host = hostName()

    package init(_ store: RunStore) { self.store = store }

    /// What the directory's owner is to us; nil where the payload is in the run's own directory. Changes
    /// nothing.
    package func tenancy() throws(StoreError) -> PayloadTenancy? {
        guard try store.payloadDirectory.isElsewhere() else { return nil }
        let owner = try store.payloadDirectory.owner(host: host)
        let other = owner.map { store.payloadDirectory.look(at: $0) } ?? .gone
        return PayloadTenancy(
            owner: owner, home: try store.homeID(), path: store.paths.run, host: host,
            other: Self.fact(other))
    }

    private static func fact(_ other: PayloadDirectory.OtherState) -> PayloadTenancy.Other {
        switch other {
        case .us: .us
        case .here: .here
        case .elsewhere: .elsewhere
        case .gone: .gone
        case .unknown(let error):
            .unknown(error.systemError.map { errorText($0.code) } ?? "\(error)")
        }
    }
}

/// Takes the lock of a payload directory that the user named, for as long as the run lasts.
struct PayloadHolder {
    let console: Console

    struct HeldPayload {
        let lock: FileLock
        let tenancy: PayloadTenancy

        /// Belongs behind ``RunStore/prepare()``.
        func claim(_ store: RunStore, sharedThrough: Int64?) throws(StoreError) {
            try store.payloadDirectory.claim(host: hostName(), sharedThrough: sharedThrough)
        }
    }

    /// - Parameter isRecorded: a record says that checkpoints are there: else a disk is not mounted.
    /// - Returns: nil where the payload is in the run's own directory.
    /// - Throws: ``StartError`` that names the other state; nothing was changed then.
    func take(_ store: RunStore, isRecorded: Bool) throws(StartError) -> HeldPayload? {
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
        if let line = StartText.line(tenancy, store.paths) { console.say(line, .normal) }
        return HeldPayload(lock: lock, tenancy: tenancy)
    }

    private func look(_ store: RunStore) throws(StartError) -> PayloadTenancy? {
        let claim = PayloadClaim(store)
        let tenancy = try ShortageWait(console).explaining { () throws(StoreError) in
            try claim.tenancy()
        }
        if let tenancy, case .refused = tenancy.verdict {
            throw StartError.otherState(tenancy, store.paths)
        }
        return tenancy
    }
}
