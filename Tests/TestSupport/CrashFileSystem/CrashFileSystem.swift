import Glibc
import SuperviseFormats
import SuperviseSystem
import Synchronization

/// Files in memory that lose what was not synced when the power is cut, after any operation.
///
/// Only what ``FileSystem`` promises holds: content is durable after `fsync` of the file, names after
/// `fsync` of their directory. Every operation is counted; one can be told to fail, or to be the last
/// before the power is cut: all later ones then throw ``powerCut``, which nobody may take for an
/// ordinary error. ``afterPowerCut(seed:)`` is what is found then.
package final class CrashFileSystem: Sendable {
    /// One operation that was begun.
    package struct Call: Equatable, Sendable, CustomStringConvertible {
        /// The system call's name.
        package var name: String
        package var path: String
        /// It changes something, or makes it durable.
        package var isMutation: Bool

        package var description: String { "\(name) \(path)" }
    }

    /// An operation that is to fail.
    package struct Fault: Sendable {
        /// The `errno` value.
        package var code: Int32
        /// The operation's number, from 0; nil is any.
        package var index: Int?
        /// The system call's name; nil is any.
        package var name: String?
        /// A part of the new path of a rename; nil is any.
        package var target: String?

        package init(
            _ code: Int32, at index: Int? = nil, call name: String? = nil, to target: String? = nil
        ) {
            self.code = code
            self.index = index
            self.name = name
            self.target = target
        }
    }

    package static let powerCut: Int32 = ENOTRECOVERABLE

    let world: Mutex<CrashWorld>

    package init() { world = Mutex(CrashWorld()) }

    private init(_ found: CrashWorld) { world = Mutex(found) }

    /// The files as they are found after the power was cut now.
    package func afterPowerCut(seed: UInt64) -> CrashFileSystem {
        CrashFileSystem(world.withLock { $0.afterPowerCut(seed: seed) })
    }

    /// The files as they are, with counters and faults reset.
    package func copy() -> CrashFileSystem {
        CrashFileSystem(
            world.withLock { world in
                var copy = world
                copy.calls = []
                copy.mutations = 0
                copy.faults = []
                return copy
            })
    }

    /// Cuts the power after so many more operations that change or sync something.
    package func cutPower(afterMutations count: Int) {
        world.withLock { $0.crashAfter = $0.mutations + count }
    }

    package func inject(_ fault: Fault) {
        world.withLock { $0.faults.append(fault) }
    }

    /// From now on a directory at the top is another file system.
    package func mount(_ path: String) {
        world.withLock { world in
            world.mounts.formUnion(CrashWorld.components(path).prefix(1))
        }
    }

    /// Does something else as soon as a directory was synced, once.
    package func whenSynced(
        _ directory: String, _ body: @escaping @Sendable (CrashFileSystem) throws -> Void
    ) {
        world.withLock { $0.whenSynced[FilePath(directory)] = body }
    }

    package func clearFaults() {
        world.withLock { $0.faults = [] }
    }

    package func clearCalls() {
        world.withLock { world in
            world.calls = []
            world.mutations = 0
        }
    }

    package var calls: [Call] { world.withLock { $0.calls } }

    package var mutations: Int { world.withLock { $0.mutations } }

    package var hasCrashed: Bool { world.withLock { $0.hasCrashed } }

    /// Changes bytes behind everybody's back, as a rotting disk does: no time changes.
    package func rot(_ path: String, _ body: (inout [UInt8]) -> Void) throws(SystemError) {
        try world.withLock { (world) throws(SystemError) in
            var (inode, file) = try world.file(path, "rot")
            body(&file.content)
            file.durable = file.content
            world.inodes[inode]?.body = .file(file)
        }
    }
}

extension CrashWorld {
    /// Counts an operation, and fails where it is to fail.
    ///
    /// - Parameter onFault: what an operation that fails has nevertheless done.
    mutating func begin(
        _ name: String, _ path: String, to target: String = "", isMutation: Bool = true,
        onFault: (inout CrashWorld) -> Void = { _ in }
    ) throws(SystemError) {
        if let crashAfter, mutations >= crashAfter, isMutation { hasCrashed = true }
        if hasCrashed {
            throw SystemError(call: name, code: CrashFileSystem.powerCut, subject: path)
        }
        let index = calls.count
        calls.append(CrashFileSystem.Call(name: name, path: path, isMutation: isMutation))
        if isMutation { mutations += 1 }
        let fault = faults.first { fault in
            (fault.index ?? index) == index && (fault.name ?? name) == name
                && fault.target.map(target.contains) ?? true
        }
        guard let fault else { return }
        onFault(&self)
        throw SystemError(call: name, code: fault.code, subject: path)
    }
}
