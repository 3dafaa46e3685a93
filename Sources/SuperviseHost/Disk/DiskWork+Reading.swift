import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import Synchronization

/// Checkpoints that are read again: to go on from one, or to make one smaller.
extension DiskWork {
    /// - Parameter bytes: of the payload, to tell how far it has come.
    func verify(_ id: CheckpointID, bytes: Int64, trusting: Bool) {
        let order = VerifyOrder(depth: settings.verify, isTrusting: trusting, restores: true)
        let (flag, resumed, mailbox, bulk) = (verification, resumed, mailbox, bulk)
        let pace = Pace(of: id, bytes: bytes) { mailbox.post($0) }
        submit(to: bulk) { store in
            // Where it cannot be held, nobody else can hold it alone.
            resumed.hold(try? store.checkpoints.hold(id))
            return .verified(
                id, Self.verification(of: id, order, store, beside: bulk, flag, pace))
        }
    }

    func cancelVerification() {
        verification.raise()
    }

    private static func verification(
        of id: CheckpointID, _ order: VerifyOrder, _ store: RunStore, beside lane: WorkerLane,
        _ flag: CancelFlag, _ pace: Pace
    ) -> Event.Verification {
        do throws(StoreError) {
            switch try store.checkpoints.verify(
                id, order, beside: lane, isCancelled: { flag.isRaised },
                progress: { pace.count($0) })
            {
            case .good(_, let metadata): return .good(metadata: metadata)
            case .bad(let reason): return .bad(reason)
            }
        } catch {
            return error.isShortage ? .shortage("\(error)") : .unreadable("\(error)")
        }
    }

    func compress(_ id: CheckpointID) {
        guard let program = settings.compression else { return }
        // There is only one at a time, so what was raised was for an earlier one.
        compression.lower()
        let flag = compression
        submit(to: compressing) { store in
            do throws(StoreError) {
                let bytes = try store.compressor.compress(
                    id, with: program, isCancelled: { flag.isRaised })
                return .compressed(id, bytes.map { .done(bytes: $0) } ?? .notNow)
            } catch {
                switch error {
                case .cancelled, .unknownCheckpoint: return .compressed(id, .notNow)
                default: return .compressed(id, .failed("\(error)"))
                }
            }
        }
    }

    func cancelCompression() {
        compression.raise()
    }
}

/// Tells how far a verification has come: after a while, and then now and then.
private final class Pace: Sendable {
    private struct State {
        var done: Int64 = 0
        var due: MonotonicTime?
        var began: MonotonicTime?
    }

    private let id: CheckpointID
    private let bytes: Int64
    private let post: @Sendable (Event) -> Void
    private let state = Mutex(State())

    init(of id: CheckpointID, bytes: Int64, post: @escaping @Sendable (Event) -> Void) {
        self.id = id
        self.bytes = bytes
        self.post = post
    }

    /// On any thread, for each piece.
    func count(_ bytes: Int) {
        let now = MonotonicTime.now()
        let progress = state.withLock { state -> Event.VerificationProgress? in
            state.done += Int64(bytes)
            let began = state.began ?? now
            state.began = began
            guard now >= state.due ?? began + ShellBounds.firstProgress else { return nil }
            state.due = now + ShellBounds.nextProgress
            return .init(
                done: state.done, total: self.bytes, seconds: (now - began).seconds)
        }
        if let progress { post(.verifying(id, progress)) }
    }
}

/// A checkpoint that is being held until another one is.
final class HeldCheckpoint: Sendable {
    private let current = Mutex<DirectoryHold?>(nil)

    func hold(_ next: DirectoryHold?) {
        current.withLock { $0 = next }
    }
}
