import CLinux
import Glibc

/// What came of reading from a descriptor that does not wait.
package enum ReadResult: Equatable, Sendable {
    /// So many bytes were appended.
    case bytes(Int)
    /// Nothing now; more may come.
    case nothingYet
    /// The other side has closed, or is gone.
    case end
}

/// Appends what a nonblocking descriptor has, at most `limit` bytes, in one read.
///
/// - Throws: EIO and the like; a peer that was killed (ECONNRESET) is an end, not an error.
package func readAvailable(
    _ descriptor: Int32, into buffer: inout [UInt8], limit: Int = 65536
) throws(SystemError) -> ReadResult {
    var count = 0
    var code: Int32 = 0
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: limit) { room in
        repeat {
            count = read(descriptor, room.baseAddress, room.count)
            code = count < 0 ? errno : 0
        } while code == EINTR
        if count > 0 { buffer.append(contentsOf: room[..<count]) }
    }
    switch code {
    case 0: return count == 0 ? .end : .bytes(count)
    case EAGAIN: return .nothingYet
    case ECONNRESET: return .end
    default: throw SystemError(call: "read", code: code, subject: "\(descriptor)")
    }
}

/// Writes what a nonblocking socket takes now, and says how much that was.
///
/// - Returns: 0 where it takes nothing now.
/// - Throws: EPIPE or ECONNRESET where the other side is gone.
package func writeSome(_ bytes: ArraySlice<UInt8>, to socket: Int32) throws(SystemError) -> Int {
    guard !bytes.isEmpty else { return 0 }
    do throws(SystemError) {
        return try systemCall("send", "\(socket)") {
            bytes.withUnsafeBytes {
                send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
        }
    } catch {
        if error.code == EAGAIN { return 0 }
        throw error
    }
}

/// Writes all of it, waiting as long as it takes, also where the descriptor is nonblocking.
///
/// - Parameter subject: what is written to, for the error.
func writeAll(
    _ bytes: ArraySlice<UInt8>, to descriptor: Int32, subject: String
) throws(SystemError) {
    var rest = bytes
    while !rest.isEmpty {
        do throws(SystemError) {
            let count = try systemCall("write", subject) {
                rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            }
            rest = rest.dropFirst(count)
        } catch {
            guard error.code == EAGAIN else { throw error }
            var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            try systemCall("poll", subject) { poll(&entry, 1, -1) }
        }
    }
}
