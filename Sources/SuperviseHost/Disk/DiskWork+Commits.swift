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

    func commit(_ order: CommitOrder) {
        take(order) { [bulk] store, elapsed, _ throws(StoreError) in
            try store.staging.commit(order, beside: bulk, elapsed: elapsed)
        }
    }

    func add(_ order: CommitOrder, from source: Action.Source) {
        let flag = CancelFlag()
        if source.rule != nil { adding = (order.id, flag) }
        var add = AddOrder(
            source: source.path.text, mode: source.mode, commit: order, content: source.content)
        if let rule = source.rule {
            add.takesAgain = { rule.takes($0.id, from: $0.source) }
        }
        take(order) { [bulk, add] store, elapsed, warn throws(StoreError) in
            try store.staging.add(
                add, beside: bulk, elapsed: elapsed, isCancelled: { flag.isRaised }, warn: warn)
        }
    }

    func cancelAdd(_ id: CheckpointID) {
        if let adding, adding.id == id { adding.flag.raise() }
    }

    private func take(
        _ order: CommitOrder,
        _ work:
            @escaping @Sendable (RunStore, @escaping @Sendable () -> Double, (String) -> Void)
            throws(StoreError) -> CheckpointSummary
    ) {
        let ordered = MonotonicTime.now()
        let elapsed = { @Sendable in
            order.secondsSoFar + (MonotonicTime.now() - ordered).seconds
        }
        let warn = warning
        submit(to: commits) { [cleaning] store in
            do throws(StoreError) {
                let summary = try work(store, elapsed, warn)
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
