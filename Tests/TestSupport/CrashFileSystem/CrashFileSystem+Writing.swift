import Glibc
import SuperviseFormats
import SuperviseSystem
import Synchronization

extension CrashFileSystem {
    package func makeDirectory(_ path: String) throws(SystemError) {
        try world.withLock { (world) throws(SystemError) in
            try world.begin("mkdir", path)
            try world.make(.directory(entries: [:], durable: [:]), path, "mkdir", mode: 0o700)
        }
    }

    package func makeLink(_ path: String, to target: String) throws(SystemError) {
        try world.withLock { (world) throws(SystemError) in
            try world.begin("symlink", path)
            try world.make(.link(target), path, "symlink", mode: 0o777)
        }
    }

    package func writeFile(_ path: String, _ content: [UInt8]) throws(SystemError) {
        try world.withLock { (world) throws(SystemError) in
            try world.begin("write", path) { world in
                // A disk that fills up has taken a part.
                if let inode = try? world.openFile(path) {
                    world.rewrite(inode, Array(content.prefix(content.count / 2)))
                }
            }
            world.rewrite(try world.openFile(path), content)
        }
    }

    package func append(_ content: [UInt8], to path: String) throws(SystemError) {
        try world.withLock { (world) throws(SystemError) in
            try world.begin("append", path) { world in
                if let inode = try? world.openFile(path) {
                    world.append(inode, Array(content.prefix(content.count / 2)))
                }
            }
            world.append(try world.openFile(path), content)
        }
    }

    package func truncate(_ path: String, to size: Int64) throws(SystemError) {
        try world.withLock { (world) throws(SystemError) in
            try world.begin("ftruncate", path)
            world.change(try world.file(path, "ftruncate").inode, .truncate(Int(size)))
        }
    }

    package func copyFile(
        _ path: String, to copy: String, mode: UInt32?, goOn: (Int) -> Bool
    ) throws(SystemError) {
        try world.withLock { (world) throws(SystemError) in
            try world.begin("copy_file_range", copy)
            let content = try world.file(path, "open").file.content
            let inode = try world.make(.file(.init()), copy, "open", mode: mode ?? 0o600)
            world.change(inode, .write(at: 0, content))
            guard goOn(content.count) else {
                throw SystemError(call: "write", code: ECANCELED, subject: copy)
            }
        }
    }

    package func syncFile(_ path: String) throws(SystemError) {
        try world.withLock { (world) throws(SystemError) in
            let inode = try world.file(path, "open").inode
            try world.begin("fsync", path) { $0.loseFile(inode) }
            world.syncFile(inode)
        }
    }

    package func syncDirectory(_ path: String) throws(SystemError) {
        try world.withLock { (world) throws(SystemError) in
            let inode = try world.find(path, "open")
            try world.begin("fsync", path)
            guard world.entries(of: inode) != nil else {
                throw SystemError(call: "open", code: ENOTDIR, subject: path)
            }
            world.syncDirectory(inode)
        }
        let body = world.withLock { $0.whenSynced.removeValue(forKey: FilePath(path)) }
        try? body?(self)
    }

    package func rename(_ path: String, to other: String) throws(SystemError) {
        try world.withLock { (world) throws(SystemError) in
            try world.begin("rename", path, to: other)
            try world.rename(path, other)
        }
    }

    package func removeFile(_ path: String) throws(SystemError) {
        try world.withLock { (world) throws(SystemError) in
            try world.begin("unlink", path)
            let place = try world.place(path, "unlink")
            guard world.entries(of: try world.find(path, "unlink")) == nil else {
                throw SystemError(call: "unlink", code: EISDIR, subject: path)
            }
            world.change(.init(edits: [(place.directory, place.name, nil)]))
        }
    }

    package func removeDirectory(_ path: String) throws(SystemError) {
        try world.withLock { (world) throws(SystemError) in
            try world.begin("rmdir", path)
            let place = try world.place(path, "rmdir")
            guard let entries = world.entries(of: try world.find(path, "rmdir")) else {
                throw SystemError(call: "rmdir", code: ENOTDIR, subject: path)
            }
            guard entries.isEmpty else {
                throw SystemError(call: "rmdir", code: ENOTEMPTY, subject: path)
            }
            world.change(.init(edits: [(place.directory, place.name, nil)]))
        }
    }

    package func removeTree(_ path: String) throws(SystemError) {
        do throws(SystemError) {
            guard try status(path).kind == .directory else { return try removeFile(path) }
            for entry in try list(path) { try removeTree("\(path)/\(entry.name)") }
            try removeDirectory(path)
        } catch {
            if error.code != ENOENT { throw error }
        }
    }
}

extension CrashWorld {
    @discardableResult
    mutating func make(
        _ body: Body, _ path: String, _ call: String, mode: UInt32
    ) throws(SystemError) -> Int {
        let place = try place(path, call)
        guard entries(of: place.directory)?[place.name] == nil else {
            throw SystemError(call: call, code: EEXIST, subject: path)
        }
        let inode = add(body, mode: mode)
        change(NameChange(edits: [(place.directory, place.name, inode)]))
        return inode
    }

    /// The file at the path, made where there is none.
    mutating func openFile(_ path: String) throws(SystemError) -> Int {
        do throws(SystemError) {
            return try file(path, "open").inode
        } catch {
            guard error.code == ENOENT else { throw error }
            return try make(.file(File()), path, "open", mode: 0o600)
        }
    }

    mutating func rewrite(_ inode: Int, _ content: [UInt8]) {
        change(inode, .truncate(0))
        change(inode, .write(at: 0, content))
    }

    mutating func append(_ inode: Int, _ content: [UInt8]) {
        guard case .file(let file)? = inodes[inode]?.body else { return }
        change(inode, .write(at: file.content.count, content))
    }

    mutating func rename(_ path: String, _ other: String) throws(SystemError) {
        let from = try place(path, "rename")
        let to = try place(other, "rename")
        let inode = try find(path, "rename")
        guard device(path) == device(other) else {
            throw SystemError(call: "rename", code: EXDEV, subject: path)
        }
        if let taken = entries(of: to.directory)?[to.name] {
            let isDirectory = entries(of: inode) != nil
            switch (isDirectory, entries(of: taken)) {
            case (true, nil): throw SystemError(call: "rename", code: ENOTDIR, subject: path)
            case (false, .some): throw SystemError(call: "rename", code: EISDIR, subject: path)
            case (_, .some(let content)) where !content.isEmpty:
                throw SystemError(call: "rename", code: ENOTEMPTY, subject: path)
            default: break
            }
        }
        let now = tick()
        inodes[inode]?.changed = now
        change(
            NameChange(edits: [
                (from.directory, from.name, nil), (to.directory, to.name, inode),
            ]))
    }
}
