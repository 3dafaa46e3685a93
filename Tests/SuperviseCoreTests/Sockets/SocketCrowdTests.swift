import Testing

@testable import SuperviseCore

@Suite("The rules for all connections together")
struct SocketCrowdTests {
    private var crowd = SocketCrowd(SocketUsers(supervisor: 7, job: 8), descriptors: 76)
    private let now = Instant(nanoseconds: 5)

    @Test("our user, root and the job's user may connect, and nobody else")
    mutating func users() {
        let arrivals = [0, 7, 8, 9].map { crowd.arrives(of: $0, open: 0) }
        #expect(arrivals == [.letIn, .letIn, .letIn, .ignored])
        #expect(!SocketUsers(supervisor: 7, job: nil).mayConnect(8))
    }

    @Test("a crowd that is turned away is reported once, and again after it has gone")
    mutating func turnedAway() {
        let arrivals = [9, 10, 10].map { crowd.arrives(of: 7, open: $0) }
        #expect(
            arrivals == [.letIn, .turnedAway(isReported: true), .turnedAway(isReported: false)])
        crowd.wasLetIn(open: 6)
        let still = crowd.reportsRefusal()
        crowd.wasLetIn(open: 5)
        let again = crowd.reportsRefusal()
        #expect(!still && again)
    }

    @Test("a few connections are taken even with few descriptors")
    func leastRoom() {
        let crowd = SocketCrowd(SocketUsers(supervisor: 7, job: nil), descriptors: 64)
        #expect(crowd.room == 6)
    }

    @Test("while unfinished lines hold too much, a short one is kept and a long one is refused")
    mutating func unfinished() {
        let (all, little) = (SocketBounds.unfinishedLines, SocketBounds.unfinishedLine)
        let large = crowd.holds(all, before: 0)
        let short = crowd.holds(little, before: 0)
        let long = crowd.holds(little + 1, before: little)
        #expect(large && short && !long)
        let gone = crowd.holds(0, before: all)
        let longer = crowd.holds(2 * little, before: little + 1)
        #expect(gone && longer)
    }

    @Test("a flooded disk is looked at each second, and all go on when it has caught up")
    mutating func disk() {
        let due = now + ShellBounds.floodedDisk
        let none = crowd.lookAtDisk(isFlooded: { true }, at: now)
        let waits = [crowd.waitsForDisk(at: now), crowd.waitsForDisk(at: now)]
        #expect(none == .none && waits == [due, nil])
        let looks = [true, false, false].map { isFlooded in
            crowd.lookAtDisk(isFlooded: { isFlooded }, at: now)
        }
        #expect(looks == [.lookAgain(at: due), .over, .none])
    }
}
