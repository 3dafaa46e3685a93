import SuperviseFormats
import Testing

@testable import SuperviseCore

@Suite("The rules for one connection")
struct PeerRulesTests {
    @Test("a peer that asks too much without an answer is not read until it is answered")
    func openQuestions() {
        var peer = PeerRules()
        for _ in 1..<SocketBounds.unanswered { peer.asked() }
        #expect(peer.wish(isAllWritten: true, isFlooded: false) == .lines)
        peer.asked()
        #expect(peer.wish(isAllWritten: true, isFlooded: false) == .end)
        peer.wasAnswered()
        #expect(peer.wish(isAllWritten: true, isFlooded: false) == .lines)
    }

    @Test("a peer that does not read its answers is not read from")
    func unreadAnswers() {
        var peer = PeerRules()
        peer.queues(answer: SocketBounds.unreadAnswers)
        #expect(!peer.isHeldBack(isFlooded: false))
        peer.queues(answer: 1)
        #expect(peer.isHeldBack(isFlooded: false))
        peer.hasTakenAll()
        #expect(!peer.isHeldBack(isFlooded: false))
    }

    @Test("a job that orders work of the disk waits while that has too much, and status does not")
    func floodedDisk() {
        var (job, client) = (PeerRules(), PeerRules())
        job.said(.begin(.init(step: 1, request: nil)))
        job.wasAnswered()
        client.said(.control(.init(command: "status")))
        client.wasAnswered()
        #expect(job.wish(isAllWritten: true, isFlooded: true) == .disk)
        #expect(client.wish(isAllWritten: true, isFlooded: true) == .lines)
        #expect(job.wish(isAllWritten: true, isFlooded: false) == .lines)
        let flooded = job.endTurn(hasLine: true, unfinished: 9, isFlooded: true)
        let calm = job.endTurn(hasLine: true, unfinished: 9, isFlooded: false)
        #expect(flooded == .wait && calm == .goOn)
    }

    @Test("only a single line is queued behind nothing, however long it is")
    func queueing() {
        var peer = PeerRules()
        #expect(peer.queueing(2 * SocketBounds.line, behind: 0) == .queue)
        #expect(peer.queueing(SocketBounds.line, behind: 1) == .close)
        #expect(peer.queueing(SocketBounds.line - 1, behind: 1) == .queue)
        peer.becomeDeaf()
        #expect(peer.queueing(1, behind: 0) == .drop)
    }

    @Test("a peer that has said all is closed when its questions are answered and it has read that")
    func heardOut() {
        var peer = PeerRules()
        peer.asked()
        peer.hasSaidAll()
        #expect(!peer.maySayMore)
        let turn = peer.endTurn(hasLine: false, unfinished: 3, isFlooded: false)
        #expect(turn == .heardOut)
        #expect(peer.wish(isAllWritten: true, isFlooded: false) == .end)
        peer.wasAnswered()
        #expect(peer.wish(isAllWritten: false, isFlooded: false) == .end)
        #expect(peer.wish(isAllWritten: true, isFlooded: false) == .close)
    }

    @Test("a peer that has gone is heard to its end, and then closed")
    func gone() {
        var peer = PeerRules()
        for _ in 1...SocketBounds.unanswered { peer.asked() }
        peer.becomeDeaf()
        let turn = peer.endTurn(hasLine: true, unfinished: 9, isFlooded: false)
        peer.hasSaidAll()
        let last = peer.endTurn(hasLine: false, unfinished: 0, isFlooded: false)
        #expect(turn == .goOn && last == .close)
    }

    @Test("a line that is too long is refused before it has ended")
    func longLine() {
        var peer = PeerRules()
        let limit = SocketBounds.line
        let allowed = peer.endTurn(hasLine: false, unfinished: limit, isFlooded: false)
        let long = peer.endTurn(hasLine: false, unfinished: limit + 1, isFlooded: false)
        #expect(allowed == .more && long == .lineTooLong)
    }

    @Test("a connection that is closing is read no more, and closed when all is written")
    func closing() {
        var peer = PeerRules()
        peer.beginClosing()
        #expect(!peer.isOpen && !peer.maySayMore)
        #expect(peer.wish(isAllWritten: false, isFlooded: false) == .end)
        #expect(peer.wish(isAllWritten: true, isFlooded: false) == .close)
    }
}
