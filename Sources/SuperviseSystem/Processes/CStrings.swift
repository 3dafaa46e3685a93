import CLinux
import Glibc

/// Strings for C: an array of pointers with a null at its end, freed with this value.
struct CStrings: ~Copyable {
    /// The array; its last element is null.
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ strings: [String]) {
        count = strings.count
        pointers = .allocate(capacity: count + 1)
        for (index, string) in strings.enumerated() {
            pointers.advanced(by: index).initialize(to: Self.copy(string))
        }
        pointers.advanced(by: count).initialize(to: nil)
    }

    private static func copy(_ string: String) -> UnsafeMutablePointer<CChar>? {
        if ForeignText.isAsItStands(string) { return strdup(string) }
        let bytes = ForeignText.bytes(string) + [0]
        return bytes.withUnsafeBytes { bytes in
            bytes.bindMemory(to: CChar.self).baseAddress.flatMap { strdup($0) }
        }
    }

    deinit {
        for index in 0..<count { free(pointers[index]) }
        pointers.deallocate()
    }

    /// The same array for those who only read.
    var constants: UnsafePointer<UnsafePointer<CChar>?> {
        UnsafeRawPointer(pointers).assumingMemoryBound(to: UnsafePointer<CChar>?.self)
    }
}
