import SuperviseCore
import SuperviseStore
import SuperviseSystem

/// The bytes that wait to be passed on, the oldest first.
///
/// ``OutputRoom`` decides what waits in memory, what as places in the log's files, and what is skipped.
struct Backlog: Sendable {
    enum Part: Sendable {
        case bytes([UInt8])
        case file(GrowingFile, offset: Int64, count: Int64)
        /// A line of our own.
        case own([UInt8])
    }

    /// In bytes; what is taken at once.
    static let piece = 1 << 16

    private(set) var room: OutputRoom
    private var parts: [Part?] = []
    private var head = 0
    /// Small pieces come together here.
    private var recent: [UInt8] = []

    init(holds: Bool = false) { room = OutputRoom(holds: holds) }

    var isEmpty: Bool { head == parts.count && recent.isEmpty }

    mutating func add(_ bytes: ArraySlice<UInt8>, at place: OutputLog.Place?) {
        if room.add(bytes.count, isKept: place != nil) == .file, let place {
            add(place, count: Int64(bytes.count))
        } else {
            if recent.count + bytes.count > Self.piece { seal() }
            recent += bytes
        }
        trim()
    }

    /// A line of our own.
    mutating func add(own bytes: [UInt8]) {
        guard room.takesOwn else { return }
        seal()
        parts.append(.own(bytes))
        room.add(own: bytes.count)
        trim()
    }

    private mutating func trim() {
        while room.isTooMuch(parts: parts.count - head) { skipOldest() }
    }

    private mutating func add(_ place: OutputLog.Place, count: Int64) {
        seal()
        if head < parts.count, case .file(let file, let offset, let before) = parts.last ?? nil,
            file === place.file, offset + before == place.offset
        {
            parts[parts.count - 1] = .file(file, offset: offset, count: before + count)
        } else {
            parts.append(.file(place.file, offset: place.offset, count: count))
        }
    }

    private mutating func seal() {
        compact()
        guard !recent.isEmpty else { return }
        parts.append(.bytes(recent))
        recent = []
    }

    /// Takes the oldest, of a file at most a piece.
    mutating func next() -> Part? {
        while let part = takeFirst() {
            switch part {
            case .bytes(let bytes): room.take(bytes.count)
            case .own(let bytes): room.take(own: bytes.count)
            case .file(let file, _, let count) where file.isGone:
                room.skip(count)
                continue
            case .file(let file, let offset, let count):
                let now = min(count, Int64(Self.piece))
                if now < count {
                    head -= 1
                    parts[head] = .file(file, offset: offset + now, count: count - now)
                }
                return .file(file, offset: offset, count: now)
            }
            return part
        }
        room.isPassedOn()
        return nil
    }

    private mutating func takeFirst() -> Part? {
        if head == parts.count { seal() }
        guard head < parts.count else { return nil }
        let part = parts[head]
        parts[head] = nil
        head += 1
        return part
    }

    /// Gives back the room of what was taken.
    private mutating func compact() {
        guard head == parts.count || head > OutputRoom.mostParts else { return }
        parts.removeFirst(head)
        head = 0
    }

    private mutating func skipOldest() {
        switch takeFirst() {
        case .bytes(let bytes):
            room.take(bytes.count)
            room.skip(Int64(bytes.count))
        case .own(let bytes): room.take(own: bytes.count)
        case .file(_, _, let count): room.skip(count)
        case nil: break
        }
    }

    /// Lets go of files that were removed, so that their room on the disk is free.
    mutating func dropGone() {
        var kept: [Part?] = []
        for case .some(let part) in parts[head...] {
            if case .file(let file, _, let count) = part, file.isGone {
                room.skip(count)
            } else {
                kept.append(part)
            }
        }
        parts = kept
        head = 0
    }

    /// Skips all of it.
    mutating func skipAll() {
        while !isEmpty { skipOldest() }
        room.isPassedOn()
    }
}
