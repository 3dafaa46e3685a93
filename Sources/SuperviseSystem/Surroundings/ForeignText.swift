import Glibc

/// Texts of others that may hold bytes which are no UTF-8: arguments, variables, directories.
///
/// A job must get such bytes as they were given. In a `String` each of them, 0x80 to 0xFF, stands as
/// the scalar 0x10FF00 higher, which is for private use and which nobody uses; where somebody does, its
/// own bytes stand so too, so that every text comes back as it was.
package enum ForeignText {
    private static let reserved: ClosedRange<UInt32> = 0x10FF80...0x10FFFF
    private static let offset: UInt32 = 0x10FF00

    /// A C string as a text.
    package static func text(_ pointer: UnsafePointer<CChar>) -> String {
        text(UnsafeRawBufferPointer(start: pointer, count: strlen(pointer)))
    }

    /// Bytes as a text; at a start there are many, and hardly ever one that is not ASCII.
    static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        if bytes.allSatisfy({ $0 < 0x80 }) { return String(decoding: bytes, as: UTF8.self) }
        return text(Array(bytes))
    }

    package static func text(_ bytes: [UInt8]) -> String {
        if let plain = String(validating: bytes, as: UTF8.self), isPlain(plain) { return plain }
        var text = String.UnicodeScalarView()
        var rest = bytes[...]
        while let byte = rest.first {
            let lengths = 1...min(4, rest.count)
            let whole = lengths.lazy.compactMap { scalar(rest.prefix($0)) }.first
            if let scalar = whole, !reserved.contains(scalar.value) {
                text.append(scalar)
                rest = rest.dropFirst(UTF8.width(scalar))
            } else {
                text.append(Unicode.Scalar(offset + UInt32(byte)) ?? "\u{FFFD}")
                rest = rest.dropFirst()
            }
        }
        return String(text)
    }

    /// The bytes that ``text(_:)-([UInt8])`` was given.
    package static func bytes(_ text: String) -> [UInt8] {
        // Only they begin with this byte, and hardly anything else does.
        if isAsItStands(text) { return Array(text.utf8) }
        return text.unicodeScalars.flatMap { scalar in
            reserved.contains(scalar.value)
                ? [UInt8(truncatingIfNeeded: scalar.value)] : Array(String(scalar).utf8)
        }
    }

    /// Whether its bytes are those of the text in UTF-8.
    static func isAsItStands(_ text: String) -> Bool {
        !text.holds(0xF4) || isPlain(text)
    }

    private static func isPlain(_ text: String) -> Bool {
        !text.unicodeScalars.contains { reserved.contains($0.value) }
    }

    /// The scalar that these bytes are, all of them.
    private static func scalar(_ bytes: ArraySlice<UInt8>) -> Unicode.Scalar? {
        let scalars = String(validating: bytes, as: UTF8.self)?.unicodeScalars
        return scalars?.count == 1 ? scalars?.first : nil
    }
}

extension String {
    /// Whether its UTF-8 has this byte. Words are given to the kernel by the dozen, and the C library
    /// looks at many bytes at once.
    func holds(_ byte: UInt8) -> Bool {
        utf8.withContiguousStorageIfAvailable { bytes in
            bytes.baseAddress.map { memchr($0, Int32(byte), bytes.count) != nil } ?? false
        } ?? utf8.contains(byte)
    }
}
