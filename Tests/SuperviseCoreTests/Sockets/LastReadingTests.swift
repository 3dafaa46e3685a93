import SuperviseCore
import SuperviseFormats
import Testing

/// In which order, and for how long, connections are heard when the job has ended.
@Suite("The last reading")
struct LastReadingTests {
    /// Hears everybody, who each have so many lines left, until it is over.
    ///
    /// - Parameter cost: how long one line takes.
    private func hear(
        _ lines: [Int: Int], saving: [Int: Int] = [:], cost: Duration = .microseconds(1)
    ) -> [Int] {
        var left = lines
        var now = Instant(nanoseconds: 0)
        let peers = lines.keys.sorted().map {
            LastReading.Peer(id: ConnectionID($0), saving: saving[$0] ?? 0)
        }
        var reading = LastReading(peers, at: now)
        var heard: [Int] = []
        while let id = reading.next(at: now) {
            guard let rest = left[id.number], rest > 0 else {
                reading.isEmpty(id)
                continue
            }
            left[id.number] = rest - 1
            heard.append(id.number)
            now = now + cost
        }
        return heard
    }

    @Test("lines that save something are heard first, and then all in turns")
    func saving() {
        #expect(hear([1: 2, 2: 3, 3: 1], saving: [2: 2]) == [2, 2, 1, 2, 3, 1])
        #expect(hear([1: 2, 2: 2]) == [1, 2, 1, 2])
        #expect(hear([:]).isEmpty)
        #expect(hear([1: 0], saving: [1: 3]).isEmpty)
    }

    @Test("whoever saves is heard among a thousand who never stop, who are given up in time")
    func flood() {
        let crowd = Dictionary(uniqueKeysWithValues: (1...1000).map { ($0, 100_000) })
        let heard = hear(crowd, saving: [777: 40], cost: .microseconds(100))
        #expect(heard.prefix(40).allSatisfy { $0 == 777 })
        // Whole rounds: until the time is over, and the one in which it ends.
        #expect(heard.count - 40 <= 5_000)
        #expect(Set(heard).count == 1000)
    }

    @Test("where all say that they save, the time is bounded too, and each has its turn")
    func everybodySaves() {
        let crowd = Dictionary(uniqueKeysWithValues: (1...1000).map { ($0, 100_000) })
        let heard = hear(
            crowd, saving: crowd.mapValues { _ in 100_000 }, cost: .microseconds(100))
        #expect(heard.count <= 10_000)
        #expect(Set(heard).count == 1000)
    }

    @Test("on a machine that is very slow everybody still has one turn")
    func slow() {
        let heard = hear([1: 5, 2: 5, 3: 5], saving: [3: 1], cost: .seconds(10))
        #expect(heard == [3, 1, 2, 3])
    }

    @Test("the connection with an open checkpoint comes first, then the job's, then unknown ones")
    func order() {
        var desk = Desk()
        desk.run(speaks: false)
        desk.hello(on: 2, accepts: false)
        desk.hello(on: 3)
        desk.hello(on: 4, accepts: false)
        func order(_ numbers: [Int]) -> [Int] {
            desk.supervisor.orderOfLastReading(numbers.map { ConnectionID($0) }).map(\.number)
        }
        #expect(order([1, 2, 3, 4, 5]) == [3, 2, 4, 1, 5])
        desk.say(.begin(.init(step: 1)), on: 4)
        #expect(order([5, 4, 3, 2, 1]) == [4, 3, 2, 1, 5])
        desk.tell(.jobExited(.exited(1)))
        #expect(order([5, 4, 3, 2, 1]) == [1, 2, 3, 4, 5])
    }
}
