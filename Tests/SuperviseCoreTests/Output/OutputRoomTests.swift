import Testing

@testable import SuperviseCore

@Suite("Output that waits for a reader")
struct OutputRoomTests {
    @Test("output that fills the memory waits in the log's files until all is passed on")
    func spilling() {
        var room = OutputRoom(holds: false)
        let places = [
            room.add(OutputRoom.mostInMemory, isKept: true), room.add(1, isKept: true),
            room.add(1, isKept: false),
        ]
        #expect(places == [.memory, .file, .memory] && room.isSpilling)
        room.take(OutputRoom.mostInMemory + 1)
        let behind = room.add(1, isKept: true)
        room.isPassedOn()
        let after = room.add(1, isKept: true)
        #expect(behind == .file && after == .memory)
    }

    @Test("the oldest output is skipped when memory or the number of parts is at its limit")
    func skipping() {
        var room = OutputRoom(holds: false)
        _ = room.add(OutputRoom.mostWithoutFile, isKept: false)
        #expect(!room.isTooMuch(parts: OutputRoom.mostParts))
        #expect(room.isTooMuch(parts: OutputRoom.mostParts + 1))
        room.add(own: 1)
        #expect(room.isTooMuch(parts: 1))
        room.take(own: 1)
        #expect(!room.isTooMuch(parts: 1) && !room.isFull)
    }

    @Test("a reader that holds up the job loses nothing, and only its own output fills it")
    func holding() {
        var room = OutputRoom(holds: true)
        room.add(own: OutputRoom.mostHeld)
        _ = room.add(OutputRoom.mostHeld - 1, isKept: true)
        #expect(!room.isFull)
        _ = room.add(1, isKept: true)
        #expect(room.isFull && !room.isOverfull && !room.hasRoom)
        _ = room.add(OutputRoom.mostHeldAtEnd, isKept: true)
        #expect(room.isOverfull && !room.isTooMuch(parts: .max) && !room.isSpilling)
        room.take(OutputRoom.mostHeldAtEnd + OutputRoom.mostHeld / 2)
        #expect(room.hasRoom)
    }

    @Test("our own lines for a reader that holds up the job are dropped beyond their limit")
    func ownLines() {
        var (holding, other) = (OutputRoom(holds: true), OutputRoom(holds: false))
        for bytes in [OutputRoom.mostOwn, 1] {
            #expect(holding.takesOwn)
            holding.add(own: bytes)
            other.add(own: bytes)
        }
        #expect(!holding.takesOwn && other.takesOwn)
    }
}

@Suite("One reader of the output")
struct OutputReaderTests {
    private var reader = OutputReader()
    private var room = OutputRoom(holds: true)

    @Test("a reader that will never read again takes nothing, and is reported once")
    mutating func deserted() {
        let before = reader.accepts(3)
        let reports = [
            reader.failed(lost: 2, isNobodyThere: true),
            reader.failed(lost: 0, isNobodyThere: true),
        ]
        let after = reader.accepts(5)
        #expect(before && reports == [true, false] && !after)
        #expect(reader.isDeserted && reader.discarded(room) == 7)
    }

    @Test("a failure is reported again after a write that worked")
    mutating func failures() {
        let first = reader.failed(lost: 1, isNobodyThere: false)
        let second = reader.failed(lost: 1, isNobodyThere: false)
        reader.took(4)
        let third = reader.failed(lost: 1, isNobodyThere: false)
        #expect(first && !second && third)
        #expect(reader.taken == 4 && reader.discarded(room) == 3)
    }

    @Test("room is reported once, and only to one who waits for it")
    mutating func reportedRoom() {
        _ = room.add(OutputRoom.mostHeld, isKept: false)
        let waits = reader.awaitsRoom(room)
        let full = reader.reportsRoom(room)
        room.take(OutputRoom.mostHeld)
        let reports = [reader.reportsRoom(room), reader.reportsRoom(room)]
        #expect(waits && !full && reports == [true, false])
    }

    @Test("lost output is reported once, and again when that is asked for")
    mutating func discards() {
        room.skip(5)
        let lags = [reader.lags(room), reader.lags(room)]
        let reports = [
            reader.reportsDiscards(room, since: 5), reader.reportsDiscards(room, since: 4),
            reader.reportsDiscards(room, since: 4),
        ]
        reader.reportNextDiscards()
        let again = reader.reportsDiscards(room, since: 4)
        #expect(lags == [true, false] && reports == [false, true, false] && again)
    }
}

@Suite("The patience with the log's disk")
struct LogPatienceTests {
    private var patience = LogPatience()

    @Test("a slow disk is waited for, and a hung one is not, until it answers")
    mutating func waiting() {
        let waits = [
            patience.wait(isReached: false, hasTimedOut: false),
            patience.wait(isReached: true, hasTimedOut: true),
            patience.wait(isReached: false, hasTimedOut: true),
            patience.wait(isReached: false, hasTimedOut: false),
        ]
        #expect(waits == [.goOn, .over, .hung, .hung])
        patience.wrote(0, isKept: true)
        let after = patience.wait(isReached: false, hasTimedOut: false)
        #expect(after == .goOn)
    }

    @Test("what has no room is lost, the next bytes show the gap, and a loss is reported once")
    mutating func gaps() {
        let most = LogPatience.mostWaiting
        let first = patience.offer(most, hasRoom: patience.hasRoom(for: most))
        #expect(first == .taken(gap: 0) && !patience.hasRoom(for: 1))
        let lost = [patience.offer(3, hasRoom: false), patience.offer(4, hasRoom: false)]
        #expect(lost == [.lost(isReported: true), .lost(isReported: false)])
        patience.wrote(most, isKept: true)
        let next = [patience.offer(1, hasRoom: true), patience.offer(1, hasRoom: true)]
        #expect(next == [.taken(gap: 7), .taken(gap: 0)])
    }

    @Test("a disk that answers with errors has its loss reported once")
    mutating func errors() {
        let first = patience.reportsLoss()
        patience.wrote(1, isKept: false)
        let second = patience.reportsLoss()
        patience.wrote(1, isKept: true)
        let third = patience.reportsLoss()
        #expect(first && !second && third)
    }
}
