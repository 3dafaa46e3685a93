import SuperviseCore
import SuperviseFormats
import SuperviseSystem

/// How a file or a directory looks from outside: two that are equal hold the same.
///
/// They are the same content, too: no two files have the same inode at a time, and what is written to
/// one changes its mark.
struct Mark: Hashable, Sendable {
    var isDirectory = false
    var device: UInt64 = 0
    var inode: UInt64 = 0
    /// Of its files.
    var bytes: Int64 = 0
    var files = 0
    /// When any content last changed, in nanoseconds since 1970.
    var changed: Int64 = 0
    /// When something was last done to the thing itself, such as giving it another name; a part of
    /// no comparison.
    @Uncompared var moved: Int64 = 0
    /// Where it really is; nil where that is not known. A part of no comparison.
    @Uncompared var place: RealPath? = nil

    /// Of a directory, what is in it may still change, which shows when it is taken.
    var content: ContentMark {
        ContentMark(
            device: device, inode: inode, bytes: isDirectory ? nil : bytes,
            modified: isDirectory ? nil : changed)
    }

    /// ctime > mtime: the last change was a rename or a link. A write sets both times.
    var wasMovedLast: Bool { moved > changed }
}

/// A value that makes no difference.
@propertyWrapper
struct Uncompared<Value: Sendable>: Hashable, Sendable {
    var wrappedValue: Value

    static func == (left: Self, right: Self) -> Bool { true }

    func hash(into hasher: inout Hasher) {}
}

/// Reads marks from the disk. What goes meanwhile, or cannot be read, has none.
struct MarkReader {
    private let files = Disk()

    /// nil also for what is neither a file nor a directory.
    func mark(of path: FilePath) -> Mark? {
        guard let status = try? files.status(path.text) else { return nil }
        switch status.kind {
        case .file:
            return Mark(
                device: status.device, inode: status.inode, bytes: status.size, files: 1,
                changed: status.modified,
                moved: status.changed, place: RealPath(path, files))
        case .directory:
            var mark = Mark(isDirectory: true, device: status.device, inode: status.inode)
            mark.place = RealPath(path, files)
            mark.moved = status.changed
            mark.changed = status.modified
            forEachFile(below: path) { _, status in
                mark.changed = max(mark.changed, status.modified)
                guard status.kind == .file else { return true }
                // Sparse files may say anything.
                let (sum, isTooMuch) = mark.bytes.addingReportingOverflow(status.size)
                mark.bytes = isTooMuch ? .max : sum
                mark.files += 1
                return true
            }
            return mark
        case .link, .other: return nil
        }
    }

    /// nil where that cannot be known.
    func isBeingWritten(_ path: FilePath) -> Bool? {
        guard let status = try? files.status(path.text) else { return nil }
        if status.kind == .file { return (try? isOpenForWriting(path.text)) ?? nil }
        var isWritten = false
        forEachFile(below: path) { file, status in
            if status.kind == .file, (try? isOpenForWriting(file)) == true { isWritten = true }
            return !isWritten
        }
        return isWritten
    }

    /// Whether something in a directory fits one of these.
    func holds(_ patterns: [CompletionPattern], in directory: FilePath) -> Bool {
        var isFound = false
        forEachFile(below: directory) { path, _ in
            guard let inside = FilePath(path).below(directory) else { return true }
            isFound = patterns.contains { $0.fits(inside) }
            return !isFound
        }
        return isFound
    }

    /// Files and directories, until `body` says false.
    private func forEachFile(below path: FilePath, _ body: (String, FileStatus) -> Bool) {
        var waiting = [path.text]
        while let directory = waiting.popLast() {
            for entry in (try? files.list(directory)) ?? [] {
                let path = "\(directory)/\(entry.name)"
                guard let status = try? files.status(path) else { continue }
                if !body(path, status) { return }
                if status.kind == .directory { waiting.append(path) }
            }
        }
    }
}
