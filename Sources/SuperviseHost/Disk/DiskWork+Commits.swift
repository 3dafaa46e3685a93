import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem

/// Checkpoints that are being made.
extension DiskWork {
    func makeStaging(_ id: CheckpointID) {
        submit(to: staging) { store in
            do throws(StoreError) {
                return .stagingMade(id, path: try store.staging.make(id))
            } catch {
                return Self.failure(of: id, error, store)
            }
        }
    }

    func measureStaging(_ id: CheckpointID) {
        submit(to: cleaning) { store in
            let size = (try? store.staging.size(id)) ?? (bytes: 0, files: 0)
            return .stagingMeasured(id, .init(bytes: size.bytes, files: size.files))
        }
    }

    func dropStaging(_ id: CheckpointID) {
        let failure = "what was staged of \(id) could not be removed"
        let delete = chore(or: failure) { (store, place: String) throws(StoreError) in
            try store.staging.delete(place)
        }
        let drop = chore(or: failure) { [cleaning] (store, id: CheckpointID) throws(StoreError) in
            guard let place = try store.staging.takeAway(id) else { return }
            cleaning.submit { delete(place) }
        }
        // Not before what makes it is done, and nobody waits for the deleting.
        staging.submit { drop(id) }
    }

    func commit(_ order: Action.CommitOrder) {
        take(order) { [bulk] store, order, _ throws(StoreError) in
            try store.staging.commit(order, beside: bulk)
        }
    }

    func add(_ order: Action.CommitOrder, from source: Action.Source) {
        let flag = CancelFlag()
        if source.rule != nil { adding = (order.id, flag) }
        take(order) { [bulk] store, order, warn throws(StoreError) in
            var order = order
            order.content = source.content
            if let rule = source.rule {
                order.takesAgain = { rule.takes($0.id, from: $0.source) }
            }
            let add = AddOrder(source: source.path.text, mode: source.mode, commit: order)
            return try store.staging.add(
                add, beside: bulk, isCancelled: { flag.isRaised }, warn: warn)
        }
    }

    func cancelAdd(_ id: CheckpointID) {
        if let adding, adding.id == id { adding.flag.raise() }
    }

    private func take(
        _ order: Action.CommitOrder,
        _ work:
            @escaping @Sendable (RunStore, CommitOrder, (String) -> Void) throws(StoreError)
            -> CheckpointSummary
    ) {
        let ordered = MonotonicTime.now()
        let elapsed = { @Sendable in
            order.secondsSoFar + (MonotonicTime.now() - ordered).seconds
        }
        var described = CommitOrder(
            id: order.id, reason: order.reason, attempt: order.attempt, parent: order.parent,
            created: order.created, elapsed: elapsed, metrics: order.metrics,
            metadata: order.metadata, source: order.source)
        described.progress = order.progress
        let storeOrder = described
        let warn = warning
        submit(to: commits) { [cleaning] store in
            do throws(StoreError) {
                let summary = try work(store, storeOrder, warn)
                // Derived: a scan reads the manifest of what is not in it.
                cleaning.submit { try? store.checkpoints.noteInIndex(summary) }
                return .committed(summary, seconds: elapsed())
            } catch {
                return Self.failure(of: order.id, error, store)
            }
        }
    }

    /// Nothing stays of what failed, unless it may be tried again.
    private static func failure(
        of id: CheckpointID, _ error: StoreError, _ store: RunStore
    ) -> Event {
        let refusal = ProtocolError(error.protocolCode, "\(error)")
        if error.canTryAgain { return .diskFull(id, refusal) }
        // What stays all the same is swept at the next start, and why we are here says more.
        try? store.staging.drop(id)
        switch error {
        case .repeats(let other): return .notAdded(id, .sameAs(other))
        case .gone: return .notAdded(id, .gone)
        case .cancelled: return .notAdded(id, .cancelled)
        default: return .commitFailed(id, refusal)
        }
    }
}
