import Glibc
import SuperviseFormats
import SuperviseSystem

/// The content of a ``CrashFileSystem``: what programs see, and beside it what would be found after
/// a power cut.
struct CrashWorld: Sendable {
    /// A change of a file's content that is not durable yet.
    enum Change: Sendable {
        case write(at: Int, [UInt8])
        case truncate(Int)
    }

    struct File: Sendable {
        var content: [UInt8] = []
        var durable: [UInt8] = []
        var changes: [Change] = []
        /// An fsync has failed: the kernel may have forgotten what it could not write, and a later
        /// fsync says nothing of it.
        var isLost = false
    }

    enum Body: Sendable {
        case file(File)
        /// Inodes by name, as seen, and as they would be found.
        case directory(entries: [FilePath: Int], durable: [FilePath: Int])
        case link(String)
    }

    struct Inode: Sendable {
        var body: Body
        var modified: Int64
        var changed: Int64
        var mode: UInt32
    }

    /// A change of names that is not durable yet. A rename is one, also between two directories: a
    /// journal has it whole or not at all.
    struct NameChange: Sendable {
        /// nil removes the name.
        var edits: [(directory: Int, name: FilePath, inode: Int?)]
    }

    static let root = 1
    var inodes: [Int: Inode] = [
        root: Inode(
            body: .directory(entries: [:], durable: [:]), modified: 0, changed: 0, mode: 0o700)
    ]
    var nextInode = 2
    var clock: Int64 = 1
    /// In order of time.
    var nameChanges: [NameChange] = []
    var calls: [CrashFileSystem.Call] = []
    var mutations = 0
    var crashAfter: Int?
    var hasCrashed = false
    var faults: [CrashFileSystem.Fault] = []
    var whenSynced: [FilePath: @Sendable (CrashFileSystem) throws -> Void] = [:]
    /// Directories at the top that are file systems of their own.
    var mounts: Set<FilePath> = []

    func device(_ path: String) -> UInt64 {
        mounts.contains(Self.components(path).first ?? "") ? 2 : 1
    }
}

extension CrashWorld {
    static func components(_ path: String) -> [FilePath] {
        FilePath(path).components.filter { $0 != "." }
    }

    func find(_ path: String, _ call: String) throws(SystemError) -> Int {
        var here = Self.root
        for name in Self.components(path) {
            guard case .directory(let entries, _)? = inodes[here]?.body else {
                throw SystemError(call: call, code: ENOTDIR, subject: path)
            }
            guard let next = entries[name] else {
                throw SystemError(call: call, code: ENOENT, subject: path)
            }
            here = next
        }
        return here
    }

    /// The directory that holds a name, and the name.
    func place(
        _ path: String, _ call: String
    ) throws(SystemError) -> (directory: Int, name: FilePath) {
        let components = Self.components(path)
        let names = components.dropLast().map(\.text)
        let directory = try find(names.joined(separator: "/"), call)
        guard case .directory? = inodes[directory]?.body else {
            throw SystemError(call: call, code: ENOTDIR, subject: path)
        }
        return (directory, components.last ?? "")
    }

    func entries(of inode: Int) -> [FilePath: Int]? {
        guard case .directory(let entries, _)? = inodes[inode]?.body else { return nil }
        return entries
    }

    func file(_ path: String, _ call: String) throws(SystemError) -> (inode: Int, file: File) {
        let inode = try find(path, call)
        switch inodes[inode]?.body {
        case .file(let file): return (inode, file)
        case .link: throw SystemError(call: call, code: ELOOP, subject: path)
        default: throw SystemError(call: call, code: EISDIR, subject: path)
        }
    }

    mutating func tick() -> Int64 {
        clock += 1
        return clock
    }

    mutating func add(_ body: Body, mode: UInt32) -> Int {
        let now = tick()
        defer { nextInode += 1 }
        inodes[nextInode] = Inode(body: body, modified: now, changed: now, mode: mode)
        return nextInode
    }

    mutating func change(_ names: NameChange) {
        for edit in names.edits {
            guard case .directory(var entries, let durable)? = inodes[edit.directory]?.body else {
                continue
            }
            entries[edit.name] = edit.inode
            inodes[edit.directory]?.body = .directory(entries: entries, durable: durable)
        }
        nameChanges.append(names)
    }

    mutating func change(_ inode: Int, _ change: Change) {
        guard case .file(var file)? = inodes[inode]?.body else { return }
        file.content = Self.apply(change, to: file.content)
        file.changes.append(change)
        let now = tick()
        inodes[inode]?.body = .file(file)
        inodes[inode]?.modified = now
        inodes[inode]?.changed = now
    }

    static func apply(_ change: Change, to content: [UInt8]) -> [UInt8] {
        var result = content
        switch change {
        case .truncate(let size):
            result = Array(result.prefix(size))
        case .write(let offset, let bytes):
            if result.count < offset {
                result += [UInt8](repeating: 0, count: offset - result.count)
            }
            result.replaceSubrange(offset..<min(result.count, offset + bytes.count), with: bytes)
        }
        return result
    }

    mutating func syncFile(_ inode: Int) {
        guard case .file(var file)? = inodes[inode]?.body else { return }
        if !file.isLost { file.durable = file.content }
        file.changes = []
        inodes[inode]?.body = .file(file)
    }

    mutating func loseFile(_ inode: Int) {
        guard case .file(var file)? = inodes[inode]?.body else { return }
        file.isLost = true
        inodes[inode]?.body = .file(file)
    }

    /// Makes a directory's names durable, and with them whatever must have come before.
    mutating func syncDirectory(_ inode: Int) {
        var wanted: Set<Int> = [inode]
        var isDurable = [Bool](repeating: false, count: nameChanges.count)
        for index in nameChanges.indices.reversed() {
            let touched = nameChanges[index].edits.map(\.directory)
            guard touched.contains(where: wanted.contains) else { continue }
            wanted.formUnion(touched)
            isDurable[index] = true
        }
        for index in nameChanges.indices where isDurable[index] { harden(nameChanges[index]) }
        nameChanges = nameChanges.indices.filter { !isDurable[$0] }.map { nameChanges[$0] }
    }

    mutating func harden(_ names: NameChange) {
        for edit in names.edits {
            guard case .directory(let entries, var durable)? = inodes[edit.directory]?.body else {
                continue
            }
            durable[edit.name] = edit.inode
            inodes[edit.directory]?.body = .directory(entries: entries, durable: durable)
        }
    }
}
