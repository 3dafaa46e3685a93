import SuperviseFormats

/// Gives each attempt a number that no other attempt of the run has, whatever the supervisors die of.
///
/// A restart does not wait for the disk, so the record on it may not know of the newest attempt. The
/// record therefore reserves numbers ahead: the next supervisor gives none of them again, unless it is
/// told which one was the last. Numbers may be skipped.
struct AttemptNumbers: Equatable, Sendable {
    /// So many restarts in a row need no record that is durable.
    static let ahead = 8

    /// The highest number that an attempt has, or may have.
    private(set) var newest: Int
    /// For the record: no number up to this one is given by a later supervisor.
    private(set) var reserved: Int
    /// The highest ``reserved`` that a durable record has.
    private var durable: Int

    /// - Parameter lastBegun: the newest attempt of the last supervisor, as its guard has noted it; nil
    ///   where nobody did.
    init(_ record: RunRecord, lastBegun: Int?) {
        let mark = record.attemptsReserved ?? 0
        newest = max(record.attempt, lastBegun ?? mark)
        reserved = max(newest, mark)
        durable = newest
    }

    mutating func give() -> Int {
        newest += 1
        reserved = max(reserved, newest + Self.ahead)
        return newest
    }

    /// Nothing was started with the newest number: the next attempt has it.
    mutating func takeBack() { newest -= 1 }

    /// Whether an attempt of this number may start before its record is durable.
    func mayStart(_ number: Int) -> Bool { number <= durable }

    /// A record that reserves numbers up to this one is durable.
    mutating func recorded(_ reserved: Int) { durable = max(durable, reserved) }

    /// No other attempt starts: the record shows which numbers are used, so that none is skipped.
    mutating func end() {
        reserved = newest
        durable = newest
    }
}
