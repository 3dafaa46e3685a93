import Glibc
import SuperviseSystem
import Synchronization

/// Instead of a program: bytes that repeat are written once, with their number.
extension CrashFileSystem {
    package func filterFile(
        _ path: String, through filter: Filter, to copy: String?, mode: UInt32, limit: Int64?,
        goOn: (Int) -> Bool
    ) throws(SystemError) -> FilteredFile {
        try world.withLock { (world) throws(SystemError) in
            let content = try world.file(path, "open").file.content
            try world.begin(filter.program, copy ?? path, isMutation: copy != nil)
            let restored = Self.unpacked(content)
            var result = filter.isRestoring ? restored ?? [] : Self.packed(content)
            let isTooMuch = limit.map { result.count > $0 } ?? false
            if isTooMuch, let limit { result = Array(result.prefix(Int(limit) + 1)) }
            if let copy {
                let inode = try world.make(.file(.init()), copy, "open", mode: mode)
                world.change(inode, .write(at: 0, result))
            }
            guard goOn(result.count) else {
                throw SystemError(call: "read", code: ECANCELED, subject: path)
            }
            let failed = filter.isRestoring && restored == nil
            return FilteredFile(
                digest: Digest.of(result), size: Int64(result.count),
                status: isTooMuch ? nil : .exited(failed ? 1 : 0))
        }
    }

    private static let mark = Array("packed".utf8)

    private static func packed(_ bytes: [UInt8]) -> [UInt8] {
        var result = mark
        var rest = bytes[...]
        while let byte = rest.first {
            let count = rest.prefix(255).prefix { $0 == byte }.count
            result += [UInt8(count), byte]
            rest = rest.dropFirst(count)
        }
        return result
    }

    private static func unpacked(_ bytes: [UInt8]) -> [UInt8]? {
        guard bytes.starts(with: mark), (bytes.count - mark.count).isMultiple(of: 2) else {
            return nil
        }
        var result: [UInt8] = []
        for index in stride(from: mark.count, to: bytes.count, by: 2) {
            result += [UInt8](repeating: bytes[index + 1], count: Int(bytes[index]))
        }
        return result
    }
}
