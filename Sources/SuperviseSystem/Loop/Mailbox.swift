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
