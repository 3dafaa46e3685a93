import SuperviseFormats
import SuperviseSystem

/// What a job writes, on its way to files: one an attempt, and another whenever it is full.
///
/// Of all attempts together there are never more than four times the size of one, nor more than a
/// hundred files: the oldest go. Nothing is synced. Not Sendable: it belongs to one thread.
package final class OutputLog {
    /// Where something was written.
    package struct Place: Sendable {
        package let file: GrowingFile
        package let offset: Int64

        package init(file: GrowingFile, offset: Int64) {
            self.file = file
            self.offset = offset
        }
    }

    private struct Open {
        weak var file: GrowingFile?
    }

    /// So many files full of output are kept, with the one that is written to.
    package static let mostFull = 4
    private static let mostFiles = 100

    package let directory: String
    private let limit: Int64
    private let files: any FileSystem
    private var current: (name: OutputFile, file: GrowingFile)?
    /// Those that somebody may still be reading here.
    private var open: [OutputFile: Open] = [:]
    private var attempt = 0
    private var room = SpareRoom()
    /// In bytes; what this attempt wrote and is not told as missing yet.
    private var missing: Int64 = 0
    private var isAtLineStart = true
    /// How often a new file was begun: then others may have been removed.
    package private(set) var rotations = 0

    /// - Parameter limit: of one file, in bytes.
    package init(directory: String, limit: Int64, files: any FileSystem = Disk()) {
        self.directory = directory
        self.limit = limit
        self.files = files
    }

    /// From now on it is this attempt's.
    package func begin(attempt: Int) {
        self.attempt = attempt
        current = nil
        missing = 0
        isAtLineStart = true
    }

    /// Adds all of it to one file, behind a line that tells what is missing before it.
    ///
    /// - Parameters:
    ///   - bytes: may be none, where only the line is wanted.
    ///   - gap: so many bytes before these are not kept, with what could not be written here.
    /// - Returns: nil where nothing was to be written.
    /// - Throws: ENOSPC, before the disk is so full that records find no room, and the like; a
    ///   part may have been written.
    @discardableResult
    package func append(
        _ bytes: ArraySlice<UInt8>, after gap: Int64 = 0
    ) throws(SystemError) -> Place? {
        missing += gap
        do throws(SystemError) {
            try tellMissing()
            guard let last = bytes.last else { return nil }
            let place = try write(bytes)
            isAtLineStart = last == UInt8(ascii: "\n")
            return place
        } catch {
            missing += Int64(bytes.count)
            throw error
        }
    }

    private func tellMissing() throws(SystemError) {
        guard missing > 0 else { return }
        let start = isAtLineStart ? "" : "\n"
        let line = "\(start)supervise: \(missing) bytes of the output are missing here\n"
        _ = try write(Array(line.utf8)[...])
        missing = 0
        isAtLineStart = true
    }

    private func write(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> Place {
        guard room.take(Int64(bytes.count), look: { try? files.freeSpace(directory) }) else {
            throw SystemError.noSpace(directory)
        }
        if let current, current.file.size > 0, current.file.size + Int64(bytes.count) > limit {
            try rotate()
        }
        do throws(SystemError) {
            let file = if let current { current.file } else { try begin() }
            return Place(file: file, offset: try file.append(bytes))
        } catch {
            room.forget()
            throw error
        }
    }

    private func begin() throws(SystemError) -> GrowingFile {
        let name = OutputFile(attempt: attempt)
        try makeRoom()
        _ = try files.makeDirectoryIfMissing(directory)
        let file = try GrowingFile(path(name))
        current = (name, file)
        rotations += 1
        open[name] = Open(file: file)
        return file
    }

    private func rotate() throws(SystemError) {
        let older = try OutputFile.all(in: directory, files).filter { $0.attempt == attempt }
        for name in older {
            let next = OutputFile(attempt: attempt, number: name.number + 1)
            try files.rename(path(name), to: path(next))
            open[next] = open.removeValue(forKey: name)
        }
        current = nil
    }

    /// Removes the oldest until one that becomes full has room.
    private func makeRoom() throws(SystemError) {
        let names = try OutputFile.all(in: directory, files)
        var sizes: [Int64] = []
        for name in names {
            let found = try unlessMissing { () throws(SystemError) in
                try files.status(path(name))
            }
            sizes.append(found?.size ?? 0)
        }
        var total = sizes.reduce(0, +)
        for (index, name) in names.enumerated() {
            let left = names.count - index
            guard total > Int64(Self.mostFull - 1) * limit || left >= Self.mostFiles else { break }
            try remove(name)
            total -= sizes[index]
        }
        open = open.filter { $0.value.file != nil }
    }

    private func remove(_ name: OutputFile) throws(SystemError) {
        _ = try unlessMissing { () throws(SystemError) in try files.removeFile(path(name)) }
        open.removeValue(forKey: name)?.file?.markGone()
    }

    /// Removes the oldest, until so many bytes are gone; nil removes all but the newest, which may be
    /// written to.
    package func removeOld(_ needed: Int64?) throws(SystemError) -> RemovedFiles {
        var removed = RemovedFiles()
        for name in try OutputFile.all(in: directory, files).dropLast()
        where !removed.isEnough(of: needed) {
            let found = try unlessMissing { () throws(SystemError) in
                try files.status(path(name))
            }
            guard let found else { continue }
            try remove(name)
            removed.count += 1
            removed.bytes += found.size
        }
        room.forget()
        return removed
    }

    private func path(_ name: OutputFile) -> String { "\(directory)/\(name.name)" }
}
