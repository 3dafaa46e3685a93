import Glibc
import SuperviseSystem
import Synchronization

/// A real disk that hangs when it is told to, and knows what it was asked to change.
final class SlowDisk: FileSystem {
    enum Kind: Sendable {
        case write, removal, fileSync, rename
        /// Before a file is copied, and after.
        case copy, copied
    }

    private let disk = Disk()
    private let gate = Gate()

    /// From now on whatever is of this kind waits, until ``goOn()``.
    func hang(on kind: Kind) { gate.change { $0.held.insert(kind) } }

    func goOn() { gate.change { $0.held = [] } }

    func goOn(with kind: Kind) { gate.change { $0.held.remove(kind) } }

    /// How often a file of this name was to be written.
    func writes(to name: String) -> Int {
        gate.look { $0.writes.filter { $0.hasSuffix("/\(name)") }.count }
    }

    /// Waits until something of this kind hangs.
    func waitUntilHanging(on kind: Kind) {
        gate.wait { $0.waiting.contains(kind) }
    }

    private func write(_ path: String) {
        gate.change { $0.writes.append(path) }
        gate.pass(.write)
    }

    func makeDirectory(_ path: String) throws(SystemError) {
        write(path)
        try disk.makeDirectory(path)
    }

    func writeFile(_ path: String, _ content: [UInt8]) throws(SystemError) {
        write(path)
        try disk.writeFile(path, content)
    }

    func append(_ content: [UInt8], to path: String) throws(SystemError) {
        write(path)
        try disk.append(content, to: path)
    }

    func truncate(_ path: String, to size: Int64) throws(SystemError) {
        try disk.truncate(path, to: size)
    }

    func readFile(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        try disk.readFile(path, limit: limit)
    }

    func readTail(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        try disk.readTail(path, limit: limit)
    }

    func makeLink(_ path: String, to target: String) throws(SystemError) {
        try disk.makeLink(path, to: target)
    }

    func readLink(_ path: String) throws(SystemError) -> String { try disk.readLink(path) }

    func resolved(_ path: String) throws(SystemError) -> String { try disk.resolved(path) }

    func status(_ path: String) throws(SystemError) -> FileStatus { try disk.status(path) }

    func list(_ path: String) throws(SystemError) -> [DirectoryEntry] { try disk.list(path) }

    func syncFile(_ path: String) throws(SystemError) {
        gate.pass(.fileSync)
        try disk.syncFile(path)
    }

    func syncDirectory(_ path: String) throws(SystemError) { try disk.syncDirectory(path) }

    func rename(_ path: String, to other: String) throws(SystemError) {
        gate.pass(.rename)
        try disk.rename(path, to: other)
    }

    func removeFile(_ path: String) throws(SystemError) { try disk.removeFile(path) }

    func removeDirectory(_ path: String) throws(SystemError) { try disk.removeDirectory(path) }

    func removeTree(_ path: String) throws(SystemError) {
        gate.pass(.removal)
        try disk.removeTree(path)
    }

    func copyFile(
        _ path: String, to copy: String, mode: UInt32?, goOn: (Int) -> Bool
    ) throws(SystemError) {
        gate.pass(.copy)
        try disk.copyFile(path, to: copy, mode: mode, goOn: goOn)
        gate.pass(.copied)
    }

    func hashFile(
        _ path: String, startsWriting: Bool, goOn: (Int) -> Bool
    ) throws(SystemError) -> HashedFile {
        try disk.hashFile(path, startsWriting: startsWriting, goOn: goOn)
    }

    func filterFile(
        _ path: String, through filter: Filter, to copy: String?, mode: UInt32, limit: Int64?,
        goOn: (Int) -> Bool
    ) throws(SystemError) -> FilteredFile {
        if let copy { write(copy) }
        return try disk.filterFile(
            path, through: filter, to: copy, mode: mode, limit: limit, goOn: goOn)
    }

    func freeSpace(_ path: String, asRoot: Bool) throws(SystemError) -> Int64 {
        try disk.freeSpace(path, asRoot: asRoot)
    }

    func holdDirectory(_ path: String, alone: Bool) throws(SystemError) -> DirectoryHold? {
        try disk.holdDirectory(path, alone: alone)
    }

    func awaitRelease(ofDirectory path: String) throws(SystemError) {
        try disk.awaitRelease(ofDirectory: path)
    }
}

/// Holds whoever wants to pass where it is closed.
private final class Gate: @unchecked Sendable {
    struct State {
        var held: Set<SlowDisk.Kind> = []
        var waiting: Set<SlowDisk.Kind> = []
        var writes: [String] = []
    }

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    /// Read and written with `mutex` locked.
    private var state = State()

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
    }

    func look<Result>(_ look: (State) -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return look(state)
    }

    func change(_ change: (inout State) -> Void) {
        pthread_mutex_lock(mutex)
        change(&state)
        pthread_cond_broadcast(changed)
        pthread_mutex_unlock(mutex)
    }

    func wait(until holds: (State) -> Bool) {
        pthread_mutex_lock(mutex)
        while !holds(state) { pthread_cond_wait(changed, mutex) }
        pthread_mutex_unlock(mutex)
    }

    func pass(_ kind: SlowDisk.Kind) {
        guard look({ $0.held.contains(kind) }) else { return }
        change { $0.waiting.insert(kind) }
        wait { !$0.held.contains(kind) }
        change { $0.waiting.remove(kind) }
    }
}
