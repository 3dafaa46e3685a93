import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import Synchronization

/// Everything that touches the disk, beside the loop: two lanes of threads that answer with events.
///
/// *Records* keeps run record, status and events in order on one thread; *bulk* hashes, copies,
/// syncs and deletes. A commit follows the one before it, so that they are finished in order.
final class DiskWork {
    private let store: RunStore
    private let loop: EventLoop
    private let deliver: (Event) -> Void
    private let records = WorkerLane(name: "records", threads: 1)
    /// One thread: what is committed, dropped and removed happens in the order it was decided.
    private let bulk = WorkerLane(name: "bulk", threads: 1)
    private let cleaning = WorkerLane(name: "cleaning", threads: 1)
    private let mailbox: Mailbox<Event>
    private let verification = CancelFlag()
    private var flushed: Mailbox<Bool>?
    private var flushLimit: TimerSource?

    /// - Throws: EMFILE.
    init(_ store: RunStore, on loop: EventLoop, _ deliver: @escaping (Event) -> Void)
        throws(SystemError)
    {
        self.store = store
        self.loop = loop
        self.deliver = deliver
        mailbox = try Mailbox(on: loop) { events in
            for event in events { deliver(event) }
        }
    }

    /// The first record is written here and now: nothing runs yet, and a thread would only cost time.
    func save(_ record: RunRecord, confirm: Bool) {
        if confirm {
            do throws(StoreError) {
                try store.save(record)
                deliver(.recorded)
            } catch {
                deliver(.recordFailed("\(error)"))
            }
            return
        }
        let (store, mailbox) = (store, mailbox)
        records.submit {
            do throws(StoreError) {
                try store.save(record)
            } catch {
                mailbox.post(.recordFailed("\(error)"))
            }
        }
    }

    func publish(_ status: Status) {
        derived { store throws(StoreError) in try store.publish(status) }
    }

    func append(_ event: LoggedEvent) {
        derived { store throws(StoreError) in try store.append([event]) }
    }

    /// What is only derived may fail: told once, and the job goes on.
    private func derived(_ work: @escaping @Sendable (RunStore) throws(StoreError) -> Void) {
        let (store, mailbox, told) = (store, mailbox, derivedFailureTold)
        records.submit {
            do throws(StoreError) {
                try work(store)
                told.lower()
            } catch {
                if told.raise() { mailbox.post(.warned("\(error); the job goes on")) }
            }
        }
    }

    private let derivedFailureTold = CancelFlag()

    func endLeftovers(runToken: String) {
        let mailbox = mailbox
        bulk.submit {
            let ended = ProcessTree.endLeftovers(runToken: runToken) { count in
                mailbox.post(.warned("waiting until \(count) processes of an earlier attempt end"))
            }
            mailbox.post(.leftoversEnded(ended.map { "\($0.pid) (\($0.command))" }))
        }
    }

    /// Empties what an earlier supervisor left in staging and trash, beside everything else.
    func sweep() {
        let (store, mailbox) = (store, mailbox)
        cleaning.submit {
            do throws(StoreError) {
                try store.sweep()
            } catch {
                mailbox.post(.warned("what is left of an earlier supervisor stays: \(error)"))
            }
        }
    }

    func verify(_ id: CheckpointID, trusting: Bool) {
        let (store, mailbox, flag) = (store, mailbox, verification)
        bulk.submit {
            mailbox.post(.verified(id, Self.verification(of: id, trusting: trusting, store, flag)))
        }
    }

    func cancelVerification() {
        _ = verification.raise()
    }

    private static func verification(
        of id: CheckpointID, trusting: Bool, _ store: RunStore, _ flag: CancelFlag
    ) -> Event.Verification {
        do throws(StoreError) {
            switch try store.verify(
                id, trusting: trusting, isCancelled: { flag.isRaised })
            {
            case .good(_, let metadata): return .good(metadata: metadata)
            case .bad(let reason): return .bad(reason)
            }
        } catch {
            return .unreadable("\(error)")
        }
    }

    func setAside(_ id: CheckpointID, reason: String) {
        bulk(or: "checkpoint \(id) could not be set aside") { store throws(StoreError) in
            _ = try store.setAside(id)
        }
    }

    func remove(_ ids: [CheckpointID]) {
        let (store, mailbox) = (store, mailbox)
        cleaning.submit {
            do throws(StoreError) {
                let gone = try store.remove(ids)
                mailbox.post(.removed(gone, held: ids.filter { !gone.contains($0) }))
            } catch {
                mailbox.post(.warned("old checkpoints could not be removed: \(error)"))
                let held = ids.filter { pathExists(store.paths.checkpoint($0)) }
                mailbox.post(.removed(ids.filter { !held.contains($0) }, held: held))
            }
        }
    }

    func dropStaging(_ id: CheckpointID) {
        bulk(or: "what was staged of \(id) could not be removed") { store throws(StoreError) in
            try store.dropStaging(id)
        }
    }

    func makeStaging(_ id: CheckpointID) {
        let (store, mailbox) = (store, mailbox)
        bulk.submit {
            do throws(StoreError) {
                mailbox.post(.stagingMade(id, path: try store.makeStaging(id)))
            } catch {
                mailbox.post(.commitFailed(id, ProtocolError(error.protocolCode, "\(error)")))
            }
        }
    }

    func measureStaging(_ id: CheckpointID) {
        let (store, mailbox) = (store, mailbox)
        bulk.submit {
            let size = (try? store.stagingSize(id)) ?? (bytes: 0, files: 0)
            mailbox.post(.stagingMeasured(id, .init(bytes: size.bytes, files: size.files)))
        }
    }

    func commit(_ order: Action.CommitOrder) {
        take(order) { store, order throws(StoreError) in try store.commit(order) }
    }

    func add(_ order: Action.CommitOrder, path: String) {
        take(order) { store, order throws(StoreError) in
            try store.add(AddOrder(source: path, commit: order))
        }
    }

    private func take(
        _ order: Action.CommitOrder,
        _ work: @escaping @Sendable (RunStore, CommitOrder) throws(StoreError) -> CheckpointSummary
    ) {
        let (store, mailbox) = (store, mailbox)
        let ordered = MonotonicTime.now()
        let elapsed = { @Sendable in
            order.secondsSoFar + (MonotonicTime.now() - ordered).seconds
        }
        let storeOrder = CommitOrder(
            id: order.id, reason: order.reason, attempt: order.attempt, parent: order.parent,
            created: order.created, elapsed: elapsed, metrics: order.metrics,
            metadata: order.metadata)
        bulk.submit {
            do throws(StoreError) {
                let summary = try work(store, storeOrder)
                mailbox.post(.committed(summary, seconds: elapsed()))
            } catch {
                mailbox.post(
                    .commitFailed(order.id, ProtocolError(error.protocolCode, "\(error)")))
            }
        }
    }

    private func bulk(
        or failure: String,
        _ work: @escaping @Sendable (RunStore) throws(StoreError) -> Void
    ) {
        let (store, mailbox) = (store, mailbox)
        bulk.submit {
            do throws(StoreError) {
                try work(store)
            } catch {
                mailbox.post(.warned("\(failure): \(error)"))
            }
        }
    }

    /// Calls `done` when all that was recorded so far is written, or the time is over.
    func flush(within limit: Duration, _ done: @escaping () -> Void) {
        do throws(SystemError) {
            var isDone = false
            let once = {
                if !isDone {
                    isDone = true
                    done()
                }
            }
            let flushed = try Mailbox<Bool>(on: loop) { _ in once() }
            self.flushed = flushed
            flushLimit = try TimerSource(on: loop) { once() }
            flushLimit?.set(MonotonicTime.now() + limit)
            records.submit { flushed.post(true) }
        } catch {
            done()
        }
    }
}

/// Raised by one thread, seen by others.
final class CancelFlag: Sendable {
    private let value = Atomic(false)

    var isRaised: Bool { value.load(ordering: .relaxed) }

    /// - Returns: whether it was not raised before.
    func raise() -> Bool {
        !value.exchange(true, ordering: .relaxed)
    }

    func lower() {
        value.store(false, ordering: .relaxed)
    }
}
