import SuperviseStore
import SuperviseSystem

/// The bytes that wait to be passed on, the oldest first.
///
/// For a reader that holds up the job all of it stays in memory, and who adds stops in time: see
/// ``isFull``. For any other it is in memory as long as it is little, and beyond that as places in the
/// log's files; what is too much is skipped, the oldest first.
struct Backlog: Sendable {
    enum Part: Sendable {
        case bytes([UInt8])
        case file(GrowingFile, offset: Int64, count: Int64)
        /// A line of our own.
        case own([UInt8])
    }

    /// In bytes, where files take the rest.
    static let mostInMemory = 1 << 20
    /// In bytes, where nothing does.
    static let mostWithoutFile = 8 << 20
    static let mostParts = 4096
    /// In bytes; what waits for a reader that holds up the job.
    static let mostHeld = 1 << 18
    /// In bytes; of attempts whose last words are wanted.
    static let mostHeldAtEnd = 1 << 22
    /// In bytes; of our own lines for such a reader. A later line is dropped.
    static let mostOwn = 1 << 18
    /// In bytes; what is taken at once.
    static let piece = 1 << 16

    /// Its reader holds up the job: nothing of the job's is skipped.
    let holds: Bool
    private var parts: [Part?] = []
    private var head = 0
    /// Small pieces come together here.
    private var recent: [UInt8] = []
    private var inMemory = 0
    /// Of these, bytes of our own lines.
    private var own = 0
    /// From the moment that memory is full until all is passed on.
    private(set) var isSpilling = false
    /// Bytes that nobody will see.
    private(set) var skipped: Int64 = 0

    init(holds: Bool = false) { self.holds = holds }

    var isEmpty: Bool { head == parts.count && recent.isEmpty }

    /// Nothing more is to be added before it ``hasRoom``.
    var isFull: Bool { holds && inMemory - own >= Self.mostHeld }

    var isOverfull: Bool { holds && inMemory - own >= Self.mostHeldAtEnd }

    var hasRoom: Bool { inMemory - own <= Self.mostHeld / 2 }

    mutating func add(_ bytes: ArraySlice<UInt8>, at place: OutputLog.Place?) {
        if !holds, inMemory + bytes.count > Self.mostInMemory { isSpilling = true }
        if isSpilling, let place {
            add(place, count: Int64(bytes.count))
        } else {
            if recent.count + bytes.count > Self.piece { seal() }
            recent += bytes
            inMemory += bytes.count
        }
        trim()
    }

    /// A line of our own.
    mutating func add(own bytes: [UInt8]) {
        if holds, own > Self.mostOwn { return }
        seal()
        parts.append(.own(bytes))
        inMemory += bytes.count
        own += bytes.count
        trim()
    }

    private mutating func trim() {
        if holds { return }
        while inMemory > Self.mostWithoutFile || parts.count - head > Self.mostParts {
            skipOldest()
        }
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
            case .bytes(let bytes): inMemory -= bytes.count
            case .own(let bytes): take(own: bytes)
            case .file(let file, _, let count) where file.isGone:
                skipped += count
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
        isSpilling = false
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
        guard head == parts.count || head > Self.mostParts else { return }
        parts.removeFirst(head)
        head = 0
    }

    private mutating func skipOldest() {
        switch takeFirst() {
        case .bytes(let bytes):
            inMemory -= bytes.count
            skipped += Int64(bytes.count)
        case .own(let bytes): take(own: bytes)
        case .file(_, _, let count): skipped += count
        case nil: break
        }
    }

    private mutating func take(own bytes: [UInt8]) {
        inMemory -= bytes.count
        own -= bytes.count
    }

    /// Lets go of files that were removed, so that their room on the disk is free.
    mutating func dropGone() {
        var kept: [Part?] = []
        for case .some(let part) in parts[head...] {
            if case .file(let file, _, let count) = part, file.isGone {
                skipped += count
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
        isSpilling = false
    }
}
