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

    /// Why we may not write there, and what to do; nil where we may.
    package func refusal(_ tenancy: PayloadTenancy) -> String? {
        guard case .refused(let refusal) = tenancy.verdict, let owner = tenancy.owner else {
            return nil
        }
        let what =
            "the checkpoints in \(HumanText.printable(store.paths.payload)) belong to the state in"
        let other = HumanText.printable(owner.run)
        let file = HumanText.printable(store.paths.owner)
        switch refusal {
        case .otherState:
            return "\(what) \(other); give another --checkpoint-dir, or remove that state"
        case .otherHost:
            return
                "\(what) \(other) on \(HumanText.printable(owner.host)), and whether that is still "
                + "there cannot be told from here; give another --checkpoint-dir, or remove \(file) if "
                + "it is gone"
        case .unknown(let reason):
            return
                "\(what) \(other), and whether that is still there cannot be told (\(reason)); give "
                + "another --checkpoint-dir, or remove \(file) if it is gone"
        }
    }

    /// What there is to say of a directory that we may write to.
    package func line(_ tenancy: PayloadTenancy) -> String? {
        guard let owner = tenancy.owner else { return nil }
        let place = HumanText.printable(store.paths.payload)
        let other = HumanText.printable(owner.run)
        switch tenancy.verdict {
        case .takenOver:
            return
                "the checkpoints in \(place) belonged to the state in \(other), which is gone; they "
                + "belong to this one now"
        case .copied:
            return "the checkpoints in \(place) are a copy of those of the state in \(other); they "
                + "belong to this one now"
        case .ours, .free, .refused: return nil
        }
    }
}

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
