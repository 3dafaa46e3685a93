import CLinux
import Glibc

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
