/// How much of the output may wait for one reader, and what is skipped.
///
/// A reader that holds up the job loses nothing: the job's output is not read while it ``isFull``. For
/// any other reader output waits in memory as long as it is little, then as places in the log's files,
/// and then the oldest is skipped.
package struct OutputRoom: Equatable, Sendable {
    /// In bytes, if files take the rest.
    package static let mostInMemory = 1 << 20
    /// In bytes, if nothing does.
    package static let mostWithoutFile = 8 << 20
    package static let mostParts = 4096
    /// In bytes, for a reader that holds up the job.
    package static let mostHeld = 1 << 18
    /// In bytes, of an attempt that is over and whose last words are wanted.
    package static let mostHeldAtEnd = 1 << 22
    /// In bytes, of our own lines for such a reader. A later line is dropped.
    package static let mostOwn = 1 << 18

    /// Its reader holds up the job: nothing of the job's is skipped.
    private let holds: Bool
    private var inMemory = 0
    /// Of these, bytes of our own lines.
    private var own = 0
    /// From the moment that memory is full until all is passed on.
    package private(set) var isSpilling = false
    /// Bytes that the reader does not get.
    package private(set) var skipped: Int64 = 0

    package init(holds: Bool) { self.holds = holds }

    private var ofJob: Int { inMemory - own }

    /// Nothing more is to be added before it ``hasRoom``.
    package var isFull: Bool { holds && ofJob >= Self.mostHeld }

    /// Nor are the last words of an attempt.
    package var isOverfull: Bool { holds && ofJob >= Self.mostHeldAtEnd }

    package var hasRoom: Bool { ofJob <= Self.mostHeld / 2 }

    /// Whether a line of our own is added, or dropped.
    package var takesOwn: Bool { !holds || own <= Self.mostOwn }

    /// Whether the oldest part is to be skipped.
    ///
    /// - Parameter parts: that wait, in memory or in files.
    package func isTooMuch(parts: Int) -> Bool {
        !holds && (inMemory > Self.mostWithoutFile || parts > Self.mostParts)
    }
}

/// What is added and taken.
extension OutputRoom {
    package enum Place: Equatable { case memory, file }

    /// The job wrote so many bytes.
    ///
    /// - Parameter isKept: they stand in a file as well.
    /// - Returns: where they wait.
    package mutating func add(_ bytes: Int, isKept: Bool) -> Place {
        if !holds, inMemory + bytes > Self.mostInMemory { isSpilling = true }
        if isSpilling, isKept { return .file }
        inMemory += bytes
        return .memory
    }

    /// So many bytes of a line of our own are added.
    package mutating func add(own bytes: Int) {
        inMemory += bytes
        own += bytes
    }

    /// So many bytes of the job's left the memory.
    package mutating func take(_ bytes: Int) { inMemory -= bytes }

    package mutating func take(own bytes: Int) {
        inMemory -= bytes
        own -= bytes
    }

    /// So many bytes of the job's reach nobody.
    package mutating func skip(_ bytes: Int64) { skipped += bytes }

    /// All that waited is taken.
    package mutating func isPassedOn() { isSpilling = false }
}
