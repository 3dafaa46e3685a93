import CLinux
import Glibc

private let pieceSize = 1 << 20
/// So much goes to the disk at a time.
private let writingSize: Int64 = 8 << 20

extension Disk {
    package func readFile(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        try withRegularFile(path, O_RDONLY, anchors) { (file, status) throws(SystemError) in
            guard status.size <= limit else {
                throw SystemError(call: "read", code: EFBIG, subject: path)
            }
            return try read(file, at: 0, count: Int(status.size), path: path)
        }
    }

    package func readOwned(
        _ path: String, limit: Int
    ) throws(SystemError) -> (content: [UInt8], owner: UInt32) {
        try withRegularFile(path, O_RDONLY, anchors) { (file, status) throws(SystemError) in
            guard status.size <= limit else {
                throw SystemError(call: "read", code: EFBIG, subject: path)
            }
            var found = stat()
            try systemCall("fstat", path) { fstat(file, &found) }
            return (
                try read(file, at: 0, count: Int(status.size), path: path), UInt32(found.st_uid)
            )
        }
    }

    package func readTail(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        try withRegularFile(path, O_RDONLY, anchors) { (file, status) throws(SystemError) in
            let count = Int(min(status.size, Int64(limit)))
            return try read(file, at: status.size - Int64(count), count: count, path: path)
        }
    }

    /// Fewer than `count` bytes only where the file has become shorter.
    private func read(
        _ file: Int32, at offset: Int64, count: Int, path: String
    ) throws(SystemError) -> [UInt8] {
        var content = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let piece = try systemCall("read", path) {
                content.withUnsafeMutableBytes {
                    pread(
                        file, $0.baseAddress.map { $0 + done }, count - done,
                        off_t(offset) + off_t(done))
                }
            }
            if piece == 0 { break }
            done += piece
        }
        content.removeLast(count - done)
        return content
    }

    package func hashFile(
        _ path: String, startsWriting: Bool, goOn: (Int) -> Bool
    ) throws(SystemError) -> HashedFile {
        try withRegularFile(path, O_RDONLY, anchors) { (file, before) throws(SystemError) in
            // Advice only: the kernel reads ahead further.
            _ = posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL)
            let piece = UnsafeMutableRawBufferPointer.allocate(
                byteCount: Int(min(Int64(pieceSize), max(before.size, 4096))), alignment: 4096)
            defer { piece.deallocate() }
            var hash = SHA256()
            var size: Int64 = 0
            var writing: Int64 = 0
            while true {
                let count = try systemCall("read", path) {
                    Glibc.read(file, piece.baseAddress, piece.count)
                }
                // A file that grows faster than it is read has no end.
                if count == 0 || size > before.size { break }
                hash.update(UnsafeRawBufferPointer(rebasing: piece[..<count]))
                size += Int64(count)
                if startsWriting, size - writing >= writingSize || size == before.size {
                    // A hint: if it fails, the sync will say so.
                    _ = cl_start_writing(file, off_t(writing), off_t(size - writing))
                    writing = size
                }
                guard goOn(count) else {
                    throw SystemError(call: "read", code: ECANCELED, subject: path)
                }
            }
            let after = try fileStatus(file, path)
            return HashedFile(digest: hash.finish(), size: size, before: before, after: after)
        }
    }

    package func readLink(_ path: String) throws(SystemError) -> String {
        var target = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let count = try withParent(of: path, anchors) { (directory, name) throws(SystemError) in
            try systemCall("readlink", path) {
                readlinkat(directory, name, &target, Int(PATH_MAX))
            }
        }
        let bytes = target[..<count].map { UInt8(bitPattern: $0) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw SystemError(call: "readlink", code: EILSEQ, subject: path)
        }
        return text
    }

    package func resolved(_ path: String) throws(SystemError) -> String {
        var text: String?
        try systemCall("realpath", path) {
            guard let found = realpath(path, nil) else { return -1 }
            defer { free(found) }
            text = String(cString: found)
            return 0
        }
        return text ?? path
    }

    package func list(_ path: String) throws(SystemError) -> [DirectoryEntry] {
        var entries: [(key: UInt64, entry: DirectoryEntry)] = []
        try visit(path) { (entry, name) in entries.append((sortingKey(name), entry)) }
        entries.sort {
            $0.key == $1.key
                ? $0.entry.name.utf8.lexicographicallyPrecedes($1.entry.name.utf8)
                : $0.key < $1.key
        }
        return entries.map(\.entry)
    }

    package func visit(_ path: String, _ body: (DirectoryEntry) -> Void) throws(SystemError) {
        try visit(path) { (entry, _) in body(entry) }
    }

    private func visit(
        _ path: String, _ body: (DirectoryEntry, _ name: UnsafeRawBufferPointer) -> Void
    ) throws(SystemError) {
        try forEachEntry(inDirectory: path, anchors) { (entry, directory) throws(SystemError) in
            guard let start = cl_entry_name(entry) else { return }
            let type = entry.pointee.d_type
            let kind = try kind(of: start, type: type, in: directory, path)
            guard let kind else { return }
            let name = UnsafeRawBufferPointer(start: start, count: strlen(start))
            let text = String(validating: name, as: UTF8.self)
            body(
                DirectoryEntry(
                    name: text ?? String(decoding: name, as: UTF8.self), kind: kind,
                    isUTF8: text != nil, inode: UInt64(entry.pointee.d_ino)), name)
        }
    }

    /// Orders names by their first bytes; in a directory of many, few need more than that.
    private func sortingKey(_ name: UnsafeRawBufferPointer) -> UInt64 {
        var key: UInt64 = 0
        for index in 0..<8 { key = key << 8 | (index < name.count ? UInt64(name[index]) : 0) }
        return key
    }

    /// nil where it has gone meanwhile.
    private func kind(
        of name: UnsafePointer<CChar>, type: UInt8, in directory: Int32, _ path: String
    ) throws(SystemError) -> FileKind? {
        switch Int(type) {
        case Int(DT_REG): return .file
        case Int(DT_DIR): return .directory
        case Int(DT_LNK): return .link
        case Int(DT_UNKNOWN): break
        default: return .other
        }
        var found = stat()
        do throws(SystemError) {
            try systemCall("fstatat", path) {
                fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW)
            }
        } catch {
            if error.code == ENOENT { return nil }
            throw error
        }
        return FileKind(mode: found.st_mode)
    }
}

/// Goes through the entries of a directory, `.` and `..` apart.
///
/// - Parameter body: gets the entry, good until it returns, and the directory's descriptor.
func forEachEntry(
    inDirectory path: String, _ anchors: Anchors? = nil,
    _ body: (UnsafeMutablePointer<dirent>, _ directory: Int32) throws(SystemError) -> Void
) throws(SystemError) {
    let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW
    let descriptor = try openDescriptor(path, flags, anchors)
    try forEachEntry(closing: descriptor, path, body)
}

/// Goes through the names in a directory, `.` and `..` apart.
///
/// - Parameter body: gets the name with its final NUL.
func forEachName(
    inDirectory path: String, _ body: ([CChar]) throws(SystemError) -> Void
) throws(SystemError) {
    try forEachEntry(inDirectory: path) { (entry, _) throws(SystemError) in
        if let name = wholeName(entry) { try body(name) }
    }
}

/// As ``forEachName(inDirectory:_:)``, of an open directory, which is closed.
func forEachName(
    closing descriptor: Int32, _ path: String, _ body: ([CChar]) throws(SystemError) -> Void
) throws(SystemError) {
    try forEachEntry(closing: descriptor, path) { (entry, _) throws(SystemError) in
        if let name = wholeName(entry) { try body(name) }
    }
}

private func wholeName(_ entry: UnsafeMutablePointer<dirent>) -> [CChar]? {
    cl_entry_name(entry).map { Array(UnsafeBufferPointer(start: $0, count: strlen($0) + 1)) }
}

private func forEachEntry(
    closing descriptor: Int32, _ path: String,
    _ body: (UnsafeMutablePointer<dirent>, _ directory: Int32) throws(SystemError) -> Void
) throws(SystemError) {
    guard let stream = fdopendir(descriptor) else {
        let code = errno
        _ = close(descriptor)
        throw SystemError(call: "fdopendir", code: code, subject: path)
    }
    defer { closedir(stream) }
    while true {
        errno = 0
        guard let entry = readdir(stream) else {
            let code = errno
            if code != 0 { throw SystemError(call: "readdir", code: code, subject: path) }
            return
        }
        guard let name = cl_entry_name(entry) else { continue }
        if strcmp(name, ".") == 0 || strcmp(name, "..") == 0 { continue }
        try body(entry, descriptor)
    }
}
