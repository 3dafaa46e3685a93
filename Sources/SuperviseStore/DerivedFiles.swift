import SuperviseFormats
import SuperviseSystem
import Synchronization

/// `status.json` and `events.jsonl`, which no decision reads.
///
/// Nothing waits for them to be durable. A garbage file is renamed to `.bad`, and a new one is begun.
package final class DerivedFiles: RunPart {
    package let place: RunPlace
    private let checked = Mutex(Checked())

    /// The files that were checked before the first write.
    private struct Checked {
        var status = false
        var events = false
    }

    init(_ place: RunPlace) { self.place = place }

    /// Forgets what was checked: the run's files were moved away.
    func forget() { checked.withLock { $0 = Checked() } }

    /// Replaces the status at once, for whoever reads it; after a power cut the old one may be there.
    package func publish(_ status: Status) throws(StoreError) {
        try setAsideBadStatus()
        let bytes = try encode(status, for: paths.status)
        try writing { () throws(SystemError) in
            try files.writeFile(paths.statusTemporary, bytes)
            try files.rename(paths.statusTemporary, to: paths.status)
        }
    }

    /// The status as it was last published, nil where there is none. Writes nothing.
    ///
    /// - Throws: `garbage`, `newerFormat`, `unreadable`.
    package func readStatus() throws(StoreError) -> Status? {
        guard let bytes = try document(paths.status) else { return nil }
        return try decode(Status.self, from: bytes, in: paths.status)
    }

    /// Adds lines to the events, in one write.
    package func append(_ events: [LoggedEvent]) throws(StoreError) {
        if events.isEmpty { return }
        try mendEvents()
        var lines: [UInt8] = []
        for event in events { lines += try encode(event, for: paths.events) }
        do throws(SystemError) {
            let status = try unlessMissing { () throws(SystemError) in
                try files.status(paths.events)
            }
            if let status, status.size + Int64(lines.count) > limits.eventFile {
                try rotateEvents()
            }
            try files.append(lines, to: paths.events)
        } catch {
            // A full disk may have taken half a line.
            checked.withLock { $0.events = false }
            throw StoreError(writing: error)
        }
    }

    /// The newest events in their order, at most `count`; lines that cannot be read are left out.
    /// Writes nothing.
    package func readEvents(last count: Int = .max) throws(StoreError) -> [LoggedEvent] {
        var events: [LoggedEvent] = []
        for number in 0..<limits.eventFiles where events.count < count {
            let path = eventFile(number)
            let bytes = try reading { () throws(SystemError) in
                try unlessMissing { () throws(SystemError) in
                    try files.readTail(path, limit: limits.document)
                }
            }
            guard let bytes else { break }
            let lines = bytes.split(separator: UInt8(ascii: "\n")).suffix(count - events.count)
            events = lines.compactMap { try? JSONText.decode(LoggedEvent.self, from: $0) } + events
        }
        return events
    }

    /// The newest first; not all of them need be there.
    package var eventFiles: [String] { (0..<limits.eventFiles).map(eventFile) }

    private func eventFile(_ number: Int) -> String {
        number == 0 ? paths.events : "\(paths.events).\(number)"
    }

    /// Removes old event files, the oldest first, until so many bytes are gone; the newest stays.
    package func removeOldEvents(_ needed: Int64?) throws(StoreError) -> RemovedFiles {
        var removed = RemovedFiles()
        try writing { () throws(SystemError) in
            for number in (1..<limits.eventFiles).reversed() where !removed.isEnough(of: needed) {
                let path = eventFile(number)
                let status = try unlessMissing { () throws(SystemError) in
                    try files.status(path)
                }
                guard let status else { continue }
                _ = try unlessMissing { () throws(SystemError) in try files.removeFile(path) }
                removed.count += 1
                removed.bytes += status.size
            }
        }
        return removed
    }

    private func rotateEvents() throws(SystemError) {
        for number in (1..<limits.eventFiles).reversed() {
            _ = try unlessMissing { () throws(SystemError) in
                try files.rename(eventFile(number - 1), to: eventFile(number))
            }
        }
    }

    private func setAsideBadStatus() throws(StoreError) {
        if checked.withLock({ $0.status }) { return }
        do throws(StoreError) {
            _ = try readStatus()
        } catch {
            guard case .garbage = error else { throw error }
            try setAsideBadFile(paths.status)
        }
        checked.withLock { $0.status = true }
    }

    /// Makes sure, once, that a line that is added now stands by itself: a line that a crash has cut
    /// off is cut away, and a file that does not end in a line of ours is no file of ours.
    private func mendEvents() throws(StoreError) {
        if checked.withLock({ $0.events }) { return }
        do throws(SystemError) {
            let tail = try unlessMissing { () throws(SystemError) in
                (
                    bytes: try files.readTail(paths.events, limit: 1 << 20),
                    size: try files.status(paths.events).size
                )
            }
            if let tail, !tail.bytes.isEmpty { try mend(tail.bytes, size: tail.size) }
        } catch {
            guard error.isNoRegularFile else { throw StoreError(writing: error) }
            try setAsideBadFile(paths.events)
        }
        checked.withLock { $0.events = true }
    }

    private func mend(_ tail: [UInt8], size: Int64) throws(SystemError) {
        let newline = UInt8(ascii: "\n")
        let whole = tail[..<((tail.lastIndex(of: newline) ?? -1) + 1)]
        let torn = tail.count - whole.count
        let line = whole.dropLast().split(separator: newline).last ?? []
        let isOurs = (try? JSONText.decode([String: JSONValue].self, from: line)) != nil
        // A first line that was cut off leaves nothing; a torn one that is no text was no line.
        let isEmptied = whole.isEmpty && torn == Int(size) && tail.first == UInt8(ascii: "{")
        guard isOurs || isEmptied else {
            return try files.rename(paths.events, to: "\(paths.events).bad")
        }
        if torn > 0 { try files.truncate(paths.events, to: size - Int64(torn)) }
    }

    private func setAsideBadFile(_ path: String) throws(StoreError) {
        try writing { () throws(SystemError) in try files.rename(path, to: "\(path).bad") }
    }
}

/// Reports of hangs, `output/hang-0002.txt`, and the job's output.
extension DerivedFiles {
    /// So many reports are kept.
    package static let mostReports = 20

    /// Writes a report; then the oldest go.
    package func saveReport(_ text: String, attempt: Int) throws(StoreError) {
        try writing { () throws(SystemError) in
            try files.makeDirectoryIfMissing(paths.output)
            try files.writeFile(
                "\(paths.run)/\(RunEvent.Hung.report(attempt: attempt))", Array(text.utf8))
        }
        let reports = try reading { () throws(SystemError) in try files.list(paths.output) }
            .map(\.name).compactMap { name in Self.attempt(ofReport: name).map { ($0, name) } }
            .sorted { $0.0 < $1.0 }
        for (_, name) in reports.dropLast(Self.mostReports) {
            try writing { () throws(SystemError) in try removeIfThere("\(paths.output)/\(name)") }
        }
    }

    private static func attempt(ofReport name: String) -> Int? {
        guard name.hasPrefix("hang-"), name.hasSuffix(".txt") else { return nil }
        return Int(name.dropFirst(5).dropLast(4))
    }

    /// Removes files of output, the oldest first, until so many bytes are gone; the newest stays. For a
    /// run that keeps no output now.
    package func removeOldOutput(_ needed: Int64?) throws(StoreError) -> RemovedFiles {
        try writing { () throws(SystemError) in
            try OutputLog(directory: paths.output, limit: 0, files: files).removeOld(needed)
        }
    }

    /// Makes the directory for a job's output.
    package func prepareOutput() throws(StoreError) {
        try writing { () throws(SystemError) in
            _ = try files.makeDirectoryIfMissing(paths.output)
        }
    }
}

/// Files that are gone, and how much of the disk they took.
package struct RemovedFiles: Equatable, Sendable {
    package var count = 0
    package var bytes: Int64 = 0

    package init() {}

    /// Whether no more need go; with nil all go.
    package func isEnough(of needed: Int64?) -> Bool { needed.map { bytes >= $0 } ?? false }
}
