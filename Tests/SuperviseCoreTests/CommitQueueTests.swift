import SuperviseFormats
import Testing

@testable import SuperviseCore

@Suite("The queue of commits")
struct CommitQueueTests {
    private let now = Instant(nanoseconds: 0)

    private func commit(
        _ sequence: Int64, step: Int64? = nil, parent: Int64? = nil, request: Int? = nil,
        isFinal: Bool = false
    ) -> Committing {
        let order = CommitOrder(
            id: checkpoint(sequence, step: step), reason: .job, attempt: 1,
            parent: parent.map { checkpoint($0) }, created: .zero, secondsSoFar: 1, metrics: [:],
            metadata: [:])
        return Committing(
            order: order, added: nil, attempt: 1, sender: nil, request: request, isFinal: isFinal,
            watched: nil, securedAt: now, saving: nil, receivedAt: now)
    }

    /// Each one with the one before as its parent.
    private func queue(_ sequences: Int64...) -> CommitQueue {
        var queue = CommitQueue()
        for one in sequences { queue.append(commit(one, parent: one == 1 ? nil : one - 1)) }
        return queue
    }

    private func next(
        _ queue: inout CommitQueue, newestFirst: Bool = false, after wait: Duration = .zero
    ) -> CommitOrder? {
        let action = queue.takeNext(newestFirst: newestFirst, at: now + wait)
        guard case .commit(let order)? = action else { return nil }
        return order
    }

    @Test("two places, one more for what may be final, and always one for what is")
    func places() {
        for (count, ordinary, perhapsFinal) in [
            (0, true, true), (1, true, true), (2, false, true), (3, false, false),
        ] {
            var queue = CommitQueue()
            for number in 0..<count { queue.append(commit(Int64(number + 1))) }
            #expect(queue.admits(.ordinary) == ordinary, "\(count)")
            #expect(queue.admits(.perhapsFinal) == perhapsFinal, "\(count)")
            #expect(queue.admits(.final))
        }
    }

    @Test("one order is given at a time, in the order of the numbers")
    func order() {
        var queue = queue(1, 2, 3)
        #expect(next(&queue)?.id == checkpoint(1))
        #expect(next(&queue) == nil)
        _ = queue.finish(checkpoint(1))
        #expect(next(&queue)?.id == checkpoint(2))
    }

    @Test("in a stop the newest comes first, and the final one before it")
    func stop() {
        var queue = queue(1, 2, 3)
        #expect(next(&queue, newestFirst: true)?.id == checkpoint(3))
        _ = queue.finish(checkpoint(3))
        queue.append(commit(4, isFinal: true))
        queue.append(commit(5))
        #expect(next(&queue, newestFirst: true)?.id == checkpoint(4))
    }

    @Test("one that waits for room keeps others waiting, and has its turn again")
    func room() {
        var queue = queue(1)
        #expect(next(&queue)?.id == checkpoint(1))
        let waits = queue.waitForRoom(checkpoint(1))
        #expect(waits)
        queue.append(commit(2))
        #expect(next(&queue) == nil)
        queue.tryAgain()
        #expect(next(&queue)?.id == checkpoint(1))
    }

    @Test("the time that it waits counts as time that it takes")
    func time() {
        var queue = queue(1)
        #expect(next(&queue, after: .seconds(4))?.secondsSoFar == 5)
    }

    @Test("one that becomes no checkpoint is nobody's parent, and one that does stays it")
    func parents() {
        var queue = queue(1, 2, 3)
        _ = queue.drop(checkpoint(2))
        #expect(queue[checkpoint(3)]?.order.parent == checkpoint(1))
        _ = queue.finish(checkpoint(1))
        #expect(queue[checkpoint(3)]?.order.parent == checkpoint(1))
    }

    @Test("what no rule keeps gives way to the newest, unless the disk works on it or it answers")
    func giveWay() {
        var queue = queue(1, 2)
        queue.append(commit(3, request: 7))
        queue.append(commit(4))
        _ = next(&queue)
        let unkept = Set((1...4 as ClosedRange<Int64>).map { checkpoint($0) })
        #expect(queue.giveWay(unkept).map(\.id) == [checkpoint(2)])
        #expect(queue.giveWay([]).isEmpty)
        #expect(queue.unfinished.map(\.id.sequence) == [1, 3, 4])
    }

    @Test("one of a higher step than the newest does not give way: it is progress")
    func higherStep() {
        var queue = CommitQueue()
        for (number, step) in [(1, 5), (2, 9), (3, 6)] as [(Int64, Int64)] {
            queue.append(commit(number, step: step))
        }
        let unkept = Set(queue.unfinished.map(\.id))
        #expect(queue.giveWay(unkept).map(\.id.sequence) == [1])
    }
}
