import SuperviseFormats
import SuperviseStore
import SuperviseSystem

/// Prints what happened in a run, from the oldest file of events to the newest, a piece at a time: there
/// may be more of it than memory.
struct EventsReader: Sendable {
    let run: FoundRun
    let isJSON: Bool
    let view: EventsView
    /// What is said on standard error, behind it.
    var notes: [String] = []

    /// So much is written at once, in bytes.
    private static let piece = 1 << 16

    /// Writes to standard output until there is no more.
    ///
    /// - Throws: ``Complaint`` where it cannot be read or written.
    func print() throws(Complaint) {
        try copy { (bytes) throws(SystemError) in try writeStandardOutput(bytes) }
    }

    /// - Parameter write: takes whole lines.
    func copy(to write: ([UInt8]) throws(SystemError) -> Void) throws(Complaint) {
        do throws(SystemError) {
            var written: [UInt8] = []
            for file in try files() {
                var lines = LineReader(file)
                while let line = try lines.next() {
                    add(line, to: &written)
                    guard written.count >= Self.piece else { continue }
                    try write(written)
                    written.removeAll(keepingCapacity: true)
                }
            }
            if !written.isEmpty { try write(written) }
        } catch {
            throw Complaint(writing: error) ?? Complaint("run \(run.name): \(error)")
        }
    }

    /// The oldest first. All are opened before any is read, from the newest on: a file that gets another
    /// name meanwhile is met again there.
    private func files() throws(SystemError) -> [FileReader] {
        var found: [FileReader] = []
        for path in run.store.derived.eventFiles {
            do throws(SystemError) {
                let file = try FileReader(path)
                if !found.contains(where: { $0.inode == file.inode }) { found.append(file) }
            } catch {
                guard error.isMissing else { throw error }
            }
        }
        return found.reversed()
    }

    /// A line that cannot be read is left out.
    private func add(_ line: ArraySlice<UInt8>, to written: inout [UInt8]) {
        guard let event = try? JSONText.decode(LoggedEvent.self, from: line) else { return }
        if isJSON {
            written += line
            written.append(UInt8(ascii: "\n"))
        } else {
            written += view.render([event]).utf8
        }
    }
}

/// The lines of a file, one after the other.
struct LineReader {
    /// What is longer is no line of ours, and is passed over.
    static let limit = 1 << 20

    private let file: FileReader
    private var buffer: [UInt8] = []
    private var head = 0
    /// The rest of a line that was too long is still to come.
    private var passesOver = false

    init(_ file: FileReader) { self.file = file }

    /// The next one, without its newline; nil at the end of the last whole one.
    mutating func next() throws(SystemError) -> ArraySlice<UInt8>? {
        while true {
            if let end = firstIndex(of: UInt8(ascii: "\n"), in: buffer, from: head) {
                let line = buffer[head..<end]
                head = end + 1
                if !passesOver { return line }
                passesOver = false
                continue
            }
            buffer.removeSubrange(..<head)
            head = 0
            if buffer.count > Self.limit {
                passesOver = true
                buffer = []
            }
            let more = try file.next()
            if more.isEmpty { return nil }
            buffer += more
        }
    }
}
