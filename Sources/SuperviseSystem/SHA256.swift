import CLinux

/// A SHA-256 digest in the making (FIPS 180-4), taken in pieces of any size.
///
/// A value: a copy goes on by itself, and ``finish()`` leaves it as it was, so that a prefix can be
/// looked at on the way. It blocks for as long as hashing takes; large files belong on a lane of
/// their own.
package struct SHA256: Sendable {
    private var state = cl_sha256_state()

    /// Begins with the fastest implementation that this processor has.
    package init() {
        cl_sha256_begin(&state)
    }

    /// Begins with a named implementation, so that they can be compared; nil where this processor
    /// does not have it.
    package init?(_ implementation: Implementation) {
        guard cl_sha256_begin_with(&state, implementation.number) == 0 else { return nil }
    }

    /// Takes the next bytes of the message. They are not kept.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        cl_sha256_update(&state, bytes.baseAddress, bytes.count)
    }

    /// The digest of all bytes taken so far.
    package func finish() -> Digest {
        var copy = state
        var bytes = SIMD32<UInt8>()
        withUnsafeMutableBytes(of: &bytes) { buffer in
            guard let base = buffer.bindMemory(to: UInt8.self).baseAddress else { return }
            cl_sha256_finish(&copy, base)
        }
        return Digest(storage: bytes)
    }
}

extension SHA256 {
    /// How the digest is computed. All give the same one.
    package enum Implementation: CaseIterable, Sendable {
        /// Plain C, on any processor.
        case portable
        /// The SHA extensions of x86-64.
        case x86
        /// The SHA2 instructions of Armv8.
        case arm

        /// The one that ``SHA256/init()`` takes.
        package static var fastest: Implementation {
            let number = cl_sha256_implementation()
            return allCases.first { $0.number == number } ?? .portable
        }

        /// Such as `x86-sha`, for people.
        package var name: String {
            cl_sha256_name(number).map { String(cString: $0) } ?? "unknown"
        }

        fileprivate var number: UInt32 {
            switch self {
            case .portable: UInt32(CL_SHA256_PORTABLE)
            case .x86: UInt32(CL_SHA256_X86)
            case .arm: UInt32(CL_SHA256_ARM)
            }
        }
    }
}

/// The 32 bytes of a SHA-256 digest.
package struct Digest: Hashable, Sendable {
    private var storage: SIMD32<UInt8>

    fileprivate init(storage: SIMD32<UInt8>) {
        self.storage = storage
    }

    /// Reads 64 hexadecimal digits, of either case as `sha256sum -c` does; nil for anything else.
    package init?(hex: String) {
        storage = SIMD32()
        guard hex.utf8.count == 2 * storage.scalarCount else { return nil }
        for (index, character) in hex.utf8.enumerated() {
            guard let digit = hexadecimalDigit(character) else { return nil }
            storage[index / 2] = storage[index / 2] << 4 | digit
        }
    }

    /// The digest of a whole message in memory.
    package static func of(_ bytes: [UInt8]) -> Digest {
        var hash = SHA256()
        bytes.withUnsafeBytes { hash.update($0) }
        return hash.finish()
    }

    /// The 32 bytes, in the order of the standard.
    package var bytes: [UInt8] {
        withUnsafeBytes(of: storage) { Array($0) }
    }

    /// 64 hexadecimal digits in lower case, as `sha256sum` writes them.
    package var hex: String { hexadecimal(bytes) }
}

extension Digest: CustomStringConvertible {
    package var description: String { hex }
}

/// Two lower-case hexadecimal digits for each byte.
func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(2 * bytes.count)
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}

private func hexadecimalDigit(_ character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
    default: nil
    }
}
