import Glibc
import SuperviseSystem

/// A control group of version 1 that may have only so much memory; removed with this value. Only root
/// can make one.
package final class MemoryLimit {
    /// Its directory.
    package let path: String
    private static let root = "/sys/fs/cgroup/memory"

    package init(bytes: Int) throws {
        path = "\(Self.root)/supervise-test-\(processId())-\(try randomHex(bytes: 4))"
        try Disk().makeDirectory(path)
        try write("memory.limit_in_bytes", "\(bytes)")
        // Not there without accounting of swap.
        try? write("memory.memsw.limit_in_bytes", "\(bytes)")
    }

    deinit {
        try? waitBriefly { rmdir(path) == 0 }
    }

    /// How many processes the kernel has killed for it.
    package func kills() throws -> Int {
        let lines = try readSmallFile("\(path)/memory.oom_control").split(separator: "\n")
        return lines.compactMap { line in
            line.hasPrefix("oom_kill ") ? Int(line.dropFirst(9)) : nil
        }.first ?? 0
    }

    private func write(_ name: String, _ text: String) throws {
        let file = "\(path)/\(name)"
        let number = try systemCall("open", file) { open(file, O_WRONLY | O_CLOEXEC) }
        defer { close(number) }
        let bytes = Array(text.utf8)
        try systemCall("write", file) { Glibc.write(number, bytes, bytes.count) }
    }

    package static let isPossible = userId() == 0 && mayWrite(root)
}
