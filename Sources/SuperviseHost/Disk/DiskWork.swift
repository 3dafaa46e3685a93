import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText

extension Event {
    fileprivate init(_ search: LeftoverSearch) {
        let names = { (ended: [LeftBehind]) in ended.map { "\($0.pid) (\($0.command))" } }
        self =
            switch search {
            case .noneLeft(let ended): .leftoversEnded(names(ended))
            case .unknown(let error, let ended):
                .leftoversUnseen(error.whyUnseen, ended: names(ended))
            }
    }
}

/// Everything that touches the disk, beside the loop: lanes of threads that answer with events.
///
/// *Records* keeps run record, status and events in order; *staging* makes room for the next
/// checkpoint at once, whatever else is under way; *commits* makes one after the other durable, so
/// that they are finished in the order of their numbers, and nothing else is ever in their way;
/// *bulk* has a thread a core, which hash, copy and sync files beside a commit before they do
/// anything else that takes long; *cleaning* measures and deletes, and nobody waits for it.
final class DiskWork {
    /// The job comes first where processors are few.
    private static let niceness: Int32 = 10

    let store: RunStore
    let staging = WorkerLane(name: "staging", threads: 1)
    let commits = WorkerLane(
        name: "commits", threads: 1, niceness: niceness, releasesMemory: true)
    let bulk = WorkerLane(
        name: "bulk", threads: processorCount(), niceness: niceness, releasesMemory: true)
    let cleaning = WorkerLane(name: "cleaning", threads: 1, releasesMemory: true)
    private let loop: EventLoop
    private let deliver: (Event) -> Void
    private let records: RecordsLane
    let mailbox: Mailbox<Event>
    let settings: Settings
    /// At low priority, and beside the commits.
    let compressing = WorkerLane(
        name: "compress", threads: 1, stepsBack: true, releasesMemory: true)
    /// Each thread waits for those who read one checkpoint.
    let waiting = WorkerLane(name: "holds", threads: 8)
    let verification = CancelFlag()
    let compression = CancelFlag()
    /// The watched file that was last ordered to be taken.
    var adding: (id: CheckpointID, flag: CancelFlag)?
    /// The checkpoint that the job has resumed from, or will: nobody compresses or removes it.
    let resumed = HeldCheckpoint()
    private var willWrite = false
    private var holdsRecords = false

    /// - Parameters:
    ///   - settings: how to verify, and with what to compress.
    ///   - deliver: gets what comes of each order.
    /// - Throws: EMFILE.
    init(
        _ store: RunStore, _ settings: Settings = .init(), on loop: EventLoop,
        _ deliver: @escaping (Event) -> Void
    ) throws(SystemError) {
        self.store = store
        self.settings = settings
        self.loop = loop
        self.deliver = deliver
        let mailbox = try Mailbox<Event>(on: loop) { for event in $0 { deliver(event) } }
        self.mailbox = mailbox
        records = RecordsLane(store) { mailbox.post($0) }
    }

    /// Whether more is ordered than the disk can do.
    ///
    /// - Parameter received: commits and adds that were received and are not finished.
    func isFlooded(received: Int) -> Bool {
        SocketBounds.isTooMuch(
            staging: staging.waiting, commits: received, cleaning: cleaning.waiting)
    }

    /// The first record, where it is to be confirmed, is written here and now: nothing runs yet, and
    /// a thread would cost time.
    func save(_ record: RunRecord, confirm: Bool) {
        if confirm {
            if let result = records.saveAndTell(record) { deliver(result) }
        } else {
            records.save(record)
            writeWhenQuiet()
        }
    }

    func publish(_ status: Status) {
        records.publish(status)
        writeWhenQuiet()
    }

    func append(_ event: LoggedEvent) {
        records.append(event)
        writeWhenQuiet()
    }

    /// Lets what nobody waits for wait, or writes it soon: see ``Action/holdRecords``.
    func holdRecords(_ isHeld: Bool) {
        holdsRecords = isHeld
        if willWrite { loop.whenQuiet { [weak self] in self?.writeUnlessHeld() } }
    }

    private func writeWhenQuiet() {
        guard !willWrite else { return }
        willWrite = true
        loop.whenQuiet { [weak self] in self?.writeUnlessHeld() }
    }

    private func writeUnlessHeld() {
        guard willWrite, !holdsRecords else { return }
        willWrite = false
        records.write()
    }

    /// Answers once all that was recorded so far is written; never, where the disk does not answer.
    func flush() {
        let mailbox = mailbox
        records.flush { mailbox.post(.filesFlushed) }
    }

    /// What still waits for the disk is never published.
    func giveUpRecord() {
        deliver(records.giveUp())
    }

    func endLeftovers(runToken: String, group: ControlGroup?) {
        let mailbox = mailbox
        submit(to: bulk) { _ in
            let search = ProcessTree.endLeftovers(runToken: runToken, group: group) { count in
                let message = "waiting until \(count) processes of an earlier attempt end"
                mailbox.post(.warned(message))
            }
            return Event(search)
        }
    }

    /// Empties what an earlier supervisor left in staging and trash, beside everything else.
    func sweep() {
        clean(or: "what is left of an earlier supervisor stays") { store throws(StoreError) in
            try store.sweep()
        }
    }

    func setAside(_ id: CheckpointID, reason: String) {
        clean(or: "checkpoint \(id) could not be set aside") { store throws(StoreError) in
            _ = try store.setAside(id)
        }
    }

    func remove(_ ids: [CheckpointID]) {
        let mailbox = mailbox
        submit(to: cleaning) { store in
            var gone: [CheckpointID]
            do throws(StoreError) {
                gone = try store.trash.remove(ids)
            } catch {
                mailbox.post(.warned("old checkpoints could not be removed: \(error)"))
                // It may have come as far as some of them.
                gone = ids.filter { !pathExists(store.paths.checkpoint($0)) }
                mailbox.post(.removalFailed(ids.filter { !gone.contains($0) }))
                return .removed(gone, held: [])
            }
            let removed = Set(gone)
            return .removed(gone, held: ids.filter { !removed.contains($0) })
        }
    }

    /// Behind what is being dropped and deleted by now.
    func measureSpace() {
        staging.submit { [cleaning, store, mailbox] in
            cleaning.submit { mailbox.post(.freeSpace(store.freeSpace())) }
        }
    }

    /// In order with the events that name it.
    func saveReport(_ hung: RunEvent.Hung, _ text: String, at time: Timestamp) {
        let head =
            "attempt \(hung.attempt), \(time): \(EventText.hang(hung))\n\n"
        let save = chore(or: "the report on the hang is not kept") {
            (store, report: String) throws(StoreError) in
            try store.derived.saveReport(report, attempt: hung.attempt)
        }
        records.submit { save(head + text) }
    }

    /// In order with the run record, and as quickly.
    func savePins(_ pins: Set<CheckpointID>) {
        let (store, mailbox) = (store, mailbox)
        records.submit {
            var failure: ProtocolError?
            do throws(StoreError) {
                try store.pins.save(pins)
            } catch {
                failure = ProtocolError(error.protocolCode, "\(error)")
            }
            mailbox.post(.pinsSaved(failure))
        }
    }

    func submit(to lane: WorkerLane, _ work: @escaping @Sendable (RunStore) -> Event) {
        let (store, mailbox) = (store, mailbox)
        lane.submit { mailbox.post(work(store)) }
    }

    func clean(
        or failure: String, _ work: @escaping @Sendable (RunStore) throws(StoreError) -> Void
    ) {
        let job = chore(or: failure) { (store, _: Void) throws(StoreError) in try work(store) }
        cleaning.submit { job(()) }
    }

    /// Tells, from any thread, what people should know.
    var warning: @Sendable (String) -> Void {
        let mailbox = mailbox
        return { mailbox.post(.warned($0)) }
    }

    /// Something to be done on a lane that only answers where it fails.
    func chore<Subject: Sendable>(
        or failure: String,
        _ work: @escaping @Sendable (RunStore, Subject) throws(StoreError) -> Void
    ) -> @Sendable (Subject) -> Void {
        let (store, mailbox) = (store, mailbox)
        return { subject in
            do throws(StoreError) {
                try work(store, subject)
            } catch {
                mailbox.post(.warned("\(failure): \(error)"))
            }
        }
    }
}
