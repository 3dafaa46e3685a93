import Glibc
import SuperviseFormats
import SuperviseSystem
import Synchronization

extension CrashFileSystem: FileSystem {
    package func readFile(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        try world.withLock { (world) throws(SystemError) in
            try world.begin("read", path, isMutation: false)
            let content = try world.file(path, "open").file.content
            guard content.count <= limit else {
                throw SystemError(call: "read", code: EFBIG, subject: path)
            }
            return content
        }
    }

    package func readTail(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        try world.withLock { (world) throws(SystemError) in
            try world.begin("read", path, isMutation: false)
            return try world.file(path, "open").file.content.suffix(limit)
        }
    }

    package func readLink(_ path: String) throws(SystemError) -> String {
        try world.withLock { (world) throws(SystemError) in
            try world.begin("readlink", path, isMutation: false)
            let inode = try world.find(path, "readlink")
            guard case .link(let target)? = world.inodes[inode]?.body else {
                throw SystemError(call: "readlink", code: EINVAL, subject: path)
            }
            return target
        }
    }

    /// The path itself: no directory here is a link.
    package func resolved(_ path: String) throws(SystemError) -> String {
        try world.withLock { (world) throws(SystemError) in
            try world.begin("realpath", path, isMutation: false)
            _ = try world.find(path, "realpath")
            return path
        }
    }

    package func status(_ path: String) throws(SystemError) -> FileStatus {
        try world.withLock { (world) throws(SystemError) in
            try world.begin("lstat", path, isMutation: false)
            return world.status(of: try world.find(path, "lstat"), at: path)
        }
    }

    package func list(_ path: String) throws(SystemError) -> [DirectoryEntry] {
        try world.withLock { (world) throws(SystemError) in
            try world.begin("readdir", path, isMutation: false)
            guard let entries = world.entries(of: try world.find(path, "open")) else {
                throw SystemError(call: "open", code: ENOTDIR, subject: path)
            }
            return entries.map { name, inode in
                DirectoryEntry(
                    name: name.text, kind: world.status(of: inode, at: path).kind,
                    inode: UInt64(inode))
            }
            .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        }
    }

    package func hashFile(
        _ path: String, startsWriting: Bool, goOn: (Int) -> Bool
    ) throws(SystemError) -> HashedFile {
        try world.withLock { (world) throws(SystemError) in
            try world.begin("read", path, isMutation: false)
            let (inode, file) = try world.file(path, "open")
            guard goOn(file.content.count) else {
                throw SystemError(call: "read", code: ECANCELED, subject: path)
            }
            let status = world.status(of: inode, at: path)
            return HashedFile(
                digest: Digest.of(file.content), size: status.size, before: status, after: status)
        }
    }

    package func freeSpace(_ path: String, asRoot: Bool) throws(SystemError) -> Int64 { 1 << 40 }

    package func holdDirectory(
        _ path: String, alone: Bool
    ) throws(SystemError) -> DirectoryHold? {
        try world.withLock { (world) throws(SystemError) in
            try world.begin("flock", path, isMutation: false)
            _ = try world.find(path, "open")
            return DirectoryHold()
        }
    }
}

extension CrashWorld {
    func status(of inode: Int, at path: String) -> FileStatus {
        let found = inodes[inode]
        var status = FileStatus(
            kind: .other, size: 0, inode: UInt64(inode), device: device(path),
            modified: found?.modified ?? 0, changed: found?.changed ?? 0, mode: found?.mode ?? 0)
        switch found?.body {
        case .file(let file):
            status.kind = .file
            status.size = Int64(file.content.count)
        case .directory: status.kind = .directory
        case .link: status.kind = .link
        case nil: break
        }
        return status
    }
}
