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
    let result = bytes.withUnsafeBytes { bytes in
        Result { () throws(SystemError) in
            try writeAll(bytes, to: descriptor, subject: subject)
        }
    }
    try result.get()
}

func writeAll(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, subject: String
) throws(SystemError) {
    var rest = bytes[...]
    while !rest.isEmpty {
        do throws(SystemError) {
            let count = try systemCall("write", subject) {
                write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            }
            rest = rest.dropFirst(count)
        } catch {
            guard error.code == EAGAIN else { throw error }
            var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            try systemCall("poll", subject) { poll(&entry, 1, -1) }
        }
    }
}

/// Moves bytes from one pipe into another within the kernel (splice(2)); never waits.
///
/// - Returns: how many; 0 where nobody will write any more.
/// - Throws: EAGAIN where nothing waits, or the other one is full; EPIPE where nobody reads that; EINVAL where
///   one of them is no pipe.
package func moveNow(
    _ most: Int, from pipe: Int32, to other: Int32
) throws(SystemError) -> Int {
    try systemCall("splice", "\(other)") { cl_move_between_pipes(pipe, other, most) }
}

/// Finds a byte, as quickly as the machine can also in a debug build.
///
/// - Returns: its index; nil if it is not there.
package func firstIndex(of byte: UInt8, in bytes: [UInt8], from start: Int) -> Int? {
    bytes.withUnsafeBytes { buffer in
        guard start < buffer.count, let base = buffer.baseAddress,
            let found = memchr(base + start, Int32(byte), buffer.count - start)
        else { return nil }
        return UnsafeRawPointer(found) - base
    }
}

/// Finds a word in bytes.
///
/// - Returns: the index of its first byte; nil if it is not there.
package func firstIndex(of word: StaticString, in bytes: [UInt8], from start: Int) -> Int? {
    bytes.withUnsafeBytes { buffer in
        guard start < buffer.count, let base = buffer.baseAddress,
            let found = cl_find_bytes(
                base + start, buffer.count - start, word.utf8Start, word.utf8CodeUnitCount)
        else { return nil }
        return found - base
    }
}
