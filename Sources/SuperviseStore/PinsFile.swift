import SuperviseFormats
import SuperviseSystem

/// `pins.json`, replaced durably. One that cannot be believed is left alone: whoever knows which
/// checkpoints were pinned must say so again.
package struct PinsFile: RunPart {
    package let place: RunPlace

    init(_ place: RunPlace) { self.place = place }

    /// Which checkpoints are pinned; none where there is no file. Writes nothing.
    ///
    /// - Throws: `garbage`, `newerFormat`, `unreadable`: then any of them may be pinned.
    package func load() throws(StoreError) -> Set<CheckpointID> {
        let path = paths.pins
        guard let bytes = try document(path) else { return [] }
        let found = try decode(Pins.self, from: bytes, in: path)
        guard found.seal == Digest.of(Pins.sealed(found.pins)).hex else {
            throw .garbage(path: path, reason: "its seal does not fit its pins")
        }
        return Set(found.pins)
    }

    /// Durable when this returns. Where it throws, the old or the new ones are there.
    package func save(_ pins: Set<CheckpointID>) throws(StoreError) {
        let sealed = Pins(pins, seal: Digest.of(Pins.sealed(pins)).hex)
        let bytes = try encode(sealed, for: paths.pins)
        let temporary = "\(paths.pins).tmp"
        try writing { () throws(SystemError) in
            try files.writeFile(temporary, bytes)
            try files.syncFile(temporary)
            try files.rename(temporary, to: paths.pins)
            try files.syncDirectory(paths.payload)
        }
    }
}

/// Leaves a part of a disk that becomes full to the records, which need little and matter more.
///
/// A look at the disk may be a question to a server, so one holds for as long as what is written
/// after it, and as much again by others, cannot fill the disk.
struct SpareRoom {
    /// In bytes; what is left to the records.
    static let reserve: Int64 = 256 << 10
    /// In bytes; what one look holds for at most.
    static let mostTrusted: Int64 = 16 << 20

    private var trusted: Int64 = 0
    private var isFull = false

    /// Whether there is room for so many bytes more.
    ///
    /// What was full has room again only when there is plenty, so that it does not change with
    /// every line.
    ///
    /// - Parameter look: what is free, in bytes; nil where the disk does not say.
    mutating func take(_ count: Int64, look: () -> Int64?) -> Bool {
        if trusted < count {
            guard let free = look() else { return true }
            let spare = free - (isFull ? 2 : 1) * Self.reserve
            isFull = spare < count
            guard !isFull else { return false }
            trusted = max(count, min(Self.mostTrusted, spare / 2))
        }
        trusted -= count
        return true
    }

    /// The disk was full in spite of it: nothing holds any more.
    mutating func forget() { trusted = 0 }
}
