import CLinux
import Glibc
import Synchronization

/// Messages from any thread to the thread of an ``EventLoop``, in the order they were posted.
///
/// It lives as long as its loop, which keeps it.
package final class Mailbox<Message: Sendable>: Sendable {
    private let bell: FileDescriptor
    private let waiting = Mutex<[Message]>([])

    /// - Parameter handler: called on the loop's thread with all that has arrived, never with nothing.
    /// - Throws: EMFILE.
    package init(
        on loop: EventLoop, _ handler: @escaping ([Message]) -> Void
    ) throws(SystemError) {
        bell = FileDescriptor(
            adopting: try systemCall("eventfd") {
                eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
            })
        _ = try loop.watch(bell.rawValue, for: .read) { _ in
            let messages = self.takeAll()
            if !messages.isEmpty { handler(messages) }
        }
    }

    /// Hands over a message and wakes the loop. From any thread, never waits for the loop.
    package func post(_ message: Message) {
        let isFirst = waiting.withLock { messages in
            messages.append(message)
            return messages.count == 1
        }
        // Whoever posts the first one rings: the loop empties the box only after it has heard it.
        guard isFirst else { return }
        var one: UInt64 = 1
        // EAGAIN is impossible: the counter would have to stand at its end.
        _ = write(bell.rawValue, &one, 8)
    }

    private func takeAll() -> [Message] {
        var count: UInt64 = 0
        // Silence the bell before taking the messages, so that one posted in between rings again.
        _ = read(bell.rawValue, &count, 8)
        return waiting.withLock { messages in
            let taken = messages
            messages = []
            return taken
        }
    }
}

/// The sources that wait for a turn, in order: each at most once, with all that the kernel has reported of it
/// meanwhile.
///
/// A source that wants another turn goes to the end, so that each has one before any has a second.
struct TurnQueue {
    private var ids: [UInt64] = []
    private var first = 0
    private var readiness: [UInt64: UInt32] = [:]

    var isEmpty: Bool { first == ids.count }
    var count: Int { ids.count - first }

    /// - Parameter bits: what is ready, added to what waits.
    mutating func add(_ id: UInt64, _ bits: UInt32) {
        if readiness[id] == nil { ids.append(id) }
        readiness[id, default: 0] |= bits
    }

    /// Takes the next one.
    mutating func next() -> (id: UInt64, readiness: UInt32)? {
        guard !isEmpty else { return nil }
        let id = ids[first]
        first += 1
        // Seldom, so that not all of them are moved for each.
        if first == ids.count || first > 1024 {
            ids.removeSubrange(..<first)
            first = 0
        }
        return (id, readiness.removeValue(forKey: id) ?? 0)
    }
}

/// One thread waits for a moment until another one has done something; each ring, or several that nobody
/// waited for, ends one wait.
package final class Bell: Sendable {
    private let descriptor: FileDescriptor

    /// - Throws: EMFILE.
    package init() throws(SystemError) {
        descriptor = FileDescriptor(
            adopting: try systemCall("eventfd") { eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)) })
    }

    package func ring() {
        var one: UInt64 = 1
        _ = write(descriptor.rawValue, &one, 8)
    }

    /// - Returns: whether it has been rung.
    @discardableResult
    package func wait(atMost limit: Duration) -> Bool {
        let number = descriptor.rawValue
        let isReady = try? waitUntilReady(number, for: POLLIN, until: .now() + limit)
        var count: UInt64 = 0
        return isReady == true && read(number, &count, 8) == 8
    }
}
