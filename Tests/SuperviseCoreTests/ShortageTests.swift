import SuperviseCore
import SuperviseFormats
import Testing

/// ENOSPC that the job meets while it writes a checkpoint.
@Suite("A disk that the job finds full")
struct ShortageTests {
    private let all = (1...5 as ClosedRange<Int64>).map { checkpoint($0) }
    private let refusal = ProtocolError(.noSpace, "the job could not save: full")

    /// A job with five checkpoints of 10 bytes.
    private func desk(_ change: (inout Settings) -> Void = { _ in }) -> Desk {
        var desk = Desk(checkpoints: all, change)
        desk.run()
        return desk
    }

    /// An operator asks for a checkpoint, on connection 20.
    private func request(_ desk: inout Desk) throws -> Int {
        try #require(desk.control("checkpoint").requests.first?.request)
    }

    private func fails(_ desk: inout Desk, _ request: Int, code: String? = "no_space") -> [Action] {
        desk.say(.failed(.init(request: request, error: "full", code: code)))
    }

    @Test("makes room until as much is free as the newest takes, and asks the job once more")
    func room() throws {
        var desk = desk()
        let number = try request(&desk)
        let failed = fails(&desk, number)
        #expect(failed.contains(.measureSpace) && failed.errors.isEmpty)
        // Three bytes are free, so that one of ten is enough.
        let measured = desk.space(3)
        #expect(measured.contains(.remove([all[0]])))
        #expect(measured.warnings.first?.contains("the disk is full: removing checkpoint") == true)
        #expect(desk.tell(.removed([all[0]], held: [])).contains(.measureSpace))
        let again = desk.space(13)
        let second = try #require(again.requests.first)
        #expect(second.request == number + 1 && second.reason == .manual && !second.final)
        let saved = desk.save(step: 1, request: second.request)
        #expect(saved.sent.count { if case .committed = $0 { true } else { false } } == 2)
    }

    @Test("measures again, and removes more if that was not enough")
    func more() throws {
        var desk = desk()
        _ = fails(&desk, try request(&desk))
        #expect(desk.space(0).contains(.remove([all[0]])))
        desk.tell(.removed([all[0]], held: []))
        #expect(desk.space(4).contains(.remove([all[1]])))
        desk.tell(.removed([all[1]], held: []))
        #expect(desk.space(10).requests.count == 1)
    }

    @Test("a request that fails once more is not made a third time")
    func once() throws {
        var desk = desk()
        _ = fails(&desk, try request(&desk))
        desk.space(0)
        desk.tell(.removed([all[0]], held: []))
        let second = try #require(desk.space(10).requests.first?.request)
        let failed = fails(&desk, second)
        #expect(!failed.contains(.measureSpace) && failed.errors == [.noSpace])
    }

    @Test(
        "the job that says so is believed, where the file system does not tell or has a quota",
        arguments: [nil, 1 << 40 as Int64])
    func told(free: Int64?) throws {
        var desk = desk()
        _ = fails(&desk, try request(&desk))
        #expect(desk.space(free).contains(.remove([all[0]])))
        desk.tell(.removed([all[0]], held: []))
        #expect(desk.space(free).requests.count == 1)
    }

    @Test("a code that is not known says nothing: what is free decides", arguments: [nil, "odd"])
    func untold(code: String?) throws {
        for (free, isShort) in [(nil, false), (10, false), (9, true)] as [(Int64?, Bool)] {
            var desk = desk()
            let failed = fails(&desk, try request(&desk), code: code)
            #expect(failed.contains(.measureSpace) && failed.errors.isEmpty)
            let measured = desk.space(free)
            #expect(measured.contains(.remove([all[0]])) == isShort)
            #expect(measured.errors == (isShort ? [] : [.io]))
        }
    }

    @Test("a request that is not answered counts likewise, and its operators wait for the next one")
    func unanswered() throws {
        var desk = desk()
        _ = try request(&desk)
        let over = desk.tell(.timer(.request), after: .seconds(60))
        #expect(over.contains(.measureSpace) && over.errors.isEmpty)
        desk.space(0)
        desk.tell(.removed([all[0]], held: []))
        #expect(desk.space(10).requests.count == 1)
    }

    @Test("a checkpoint that is aborted counts likewise, and its request is made again")
    func aborted() throws {
        var desk = desk()
        let number = try request(&desk)
        let id = desk.begin(step: 1, request: number)
        let dropped = desk.say(.abort(.init(id: id, code: "no_space")))
        #expect(dropped.contains(.measureSpace))
        desk.space(0)
        desk.tell(.removed([all[0]], held: []))
        let second = try #require(desk.space(10).requests.first?.request)
        #expect(second == number + 1)
        #expect(desk.save(step: 1, request: second).sent.count == 2)
    }

    @Test("abort and failed of one checkpoint are one shortage")
    func abortedAndFailed() throws {
        var desk = desk()
        let number = try request(&desk)
        let id = desk.begin(step: 1, request: number)
        desk.say(.abort(.init(id: id, code: "no_space")))
        #expect(!fails(&desk, number).contains(.measureSpace))
        desk.space(0)
        desk.tell(.removed([all[0]], held: []))
        #expect(desk.space(10).requests.count == 1)
    }

    @Test("`failed` of a request that is not open any more removes nothing")
    func stale() throws {
        var desk = desk()
        let number = try request(&desk)
        desk.save(step: 1, request: number)
        #expect(!fails(&desk, number).contains(.measureSpace))
    }

    @Test("a commit whose fsync found the disk full is not tried again, but the job is asked to")
    func failedSync() throws {
        var desk = desk()
        let number = try request(&desk)
        let id = desk.begin(step: 1, request: number)
        desk.say(.commit(.init(id: id, request: number)))
        let failed = desk.tell(.commitFailed(id, ProtocolError(.noSpace, "full (fsync)")))
        #expect(failed.contains(.measureSpace) && failed.errors == [.noSpace], "the job is told")
        desk.space(0)
        desk.tell(.removed([all[0]], held: []))
        #expect(desk.space(10).requests.count == 1)
    }

    @Test("another checkpoint that names the request meanwhile answers it, also the final one")
    func answered() throws {
        var desk = desk()
        let number = try #require(
            desk.tell(.signal(.stop(number: 15, name: "SIGTERM"))).requests.first?.request)
        let first = desk.begin(step: 1, request: number)
        desk.say(.commit(.init(id: first, request: number)))
        desk.say(.add(.init(path: "/x", step: 2, request: number)))
        let second = checkpoint(first.sequence + 1, step: 2)
        let full = ProtocolError(.noSpace, "full (fsync)")
        #expect(desk.tell(.commitFailed(first, full)).contains(.measureSpace))
        #expect(desk.tell(.committed(Desk.summary(second), seconds: 1)).tellsToStop)
        #expect(desk.space(100).requests.isEmpty)
    }

    @Test("a checkpoint that is begun while room is made answers the request that it names")
    func begunMeanwhile() throws {
        var desk = desk()
        let number = try #require(
            desk.tell(.signal(.stop(number: 15, name: "SIGTERM"))).requests.first?.request)
        #expect(fails(&desk, number).contains(.measureSpace))
        let saved = desk.save(step: 1, request: number)
        #expect(saved.tellsToStop)
        #expect(desk.space(100).requests.isEmpty)
    }

    @Test("a save that nobody asked for makes room, and nobody is asked")
    func unasked() {
        var desk = desk()
        let id = desk.begin(step: 1)
        desk.say(.abort(.init(id: id, code: "no_space")))
        #expect(desk.space(0).contains(.remove([all[0]])))
        desk.tell(.removed([all[0]], held: []))
        #expect(desk.space(10).requests.isEmpty)
    }

    @Test(
        "a job that dies while it saves has room when it is started again",
        arguments: [true, false])
    func dies(hangsUpFirst: Bool) {
        var desk = desk()
        _ = desk.begin(step: 1)
        if hangsUpFirst { desk.tell(.disconnected(ConnectionID(1))) }
        #expect(!desk.end(.exited(1)).contains(.measureSpace))
        let actions = desk.tell(.timer(.backoff), after: .seconds(100))
        if let id = actions.verified { desk.tell(.verified(id, .good(metadata: [:]))) }
        #expect(desk.tell(.spawned(pid: 101)).contains(.measureSpace))
        #expect(desk.space(9).contains(.remove([all[0]])))
    }

    @Test("what is protected stays, and where nothing may go nobody is asked again")
    func protected() throws {
        var desk = Desk(checkpoints: [all[0]])
        desk.run()
        #expect(fails(&desk, try request(&desk)).contains(.measureSpace))
        let failed = desk.space(0)
        #expect(failed.errors == [.noSpace] && failed.requests.isEmpty)
        var held = self.desk()
        _ = fails(&held, try request(&held))
        held.space(0)
        let answer = held.tell(.removed([], held: [all[0]]))
        #expect(answer.errors == [.noSpace] && answer.requests.isEmpty)
    }

    @Test(
        "a final checkpoint is asked for again within its deadline, and nobody is signalled before")
    func final() throws {
        var desk = desk { $0.checkpointTimeout = .seconds(60) }
        let first = try #require(desk.tell(sigterm).requests.first)
        let failed = fails(&desk, first.request)
        #expect(!failed.tellsToStop && failed.contains(.measureSpace))
        desk.space(0, after: .seconds(1))
        desk.tell(.removed([all[0]], held: []))
        let second = try #require(desk.space(10, after: .seconds(1)).requests.first)
        #expect(second.final && second.deadline == 58 && second.reason == .shutdown)
        #expect(desk.save(step: 1, request: second.request).tellsToStop)
    }

    @Test("a stop does not wait for room longer than for its checkpoint")
    func finalTooLate() throws {
        var desk = desk { $0.checkpointTimeout = .seconds(60) }
        let first = try #require(desk.tell(sigterm).requests.first)
        _ = fails(&desk, first.request)
        #expect(desk.tell(.timer(.stopDeadline), after: .seconds(60)).tellsToStop)
        let late = desk.space(0)
        #expect(late.requests.isEmpty && !late.tellsToStop)
        var second = self.desk { $0.checkpointTimeout = .seconds(60) }
        let request = try #require(second.tell(sigterm).requests.first)
        _ = fails(&second, request.request)
        #expect(second.space(nil).contains(.remove([all[0]])))
        #expect(second.tell(.removed([], held: [all[0]])).tellsToStop)
    }

    @Test("an operator is told when the job ends before it could be asked again")
    func ends() throws {
        var desk = desk()
        _ = fails(&desk, try request(&desk))
        #expect(desk.tell(.jobExited(.exited(1))).errors == [.stopping])
    }

    @Test("a disk that we find full ourselves costs as much as the newest takes, and then the rest")
    func ours() {
        var desk = desk()
        let id = desk.begin(step: 9)
        desk.say(.commit(.init(id: id)))
        let error = ProtocolError(.noSpace, "no space")
        desk.tell(.diskFull(id, error))
        #expect(desk.tell(.archives([])).contains(.remove([all[0]])))
        #expect(desk.tell(.removed([all[0]], held: [])).commit?.id == id)
        desk.tell(.diskFull(id, error))
        #expect(desk.tell(.archives([])).contains(.remove([all[1], all[2], all[3]])))
        #expect(desk.tell(.removed([all[1], all[2], all[3]], held: [])).commit?.id == id)
        #expect(desk.tell(.diskFull(id, error)).errors == [.noSpace])
    }

    @Test(
        "a plan takes the oldest first, by what each takes of the disk, and none that is protected")
    func plan() {
        var summaries = all.map(Desk.summary)
        summaries[0].compressedBytes = 2
        let protection = Protection(
            pinned: [all[1]], resumed: [], suspects: [])
        func removals(_ needed: Int64?) -> [CheckpointID] {
            RoomPlan(summaries, protection: protection, needed: needed).removals
        }
        #expect(removals(0) == [])
        #expect(removals(1) == [all[0]])
        #expect(removals(3) == [all[0], all[2]])
        #expect(removals(1000) == [all[0], all[2], all[3]])
        #expect(removals(nil) == removals(1000))
    }
}

/// With archived runs: they go before any checkpoint.
@Suite("a disk that the job finds full, beside archived runs")
struct ArchivedShortageTests {
    private let archive = ArchiveSummary(time: "20260901T000000Z", pins: [])

    private func desk() throws -> Desk {
        var desk = Desk(checkpoints: [checkpoint(1), checkpoint(2)])
        desk.run()
        let id = desk.begin(step: 9)
        #expect(desk.say(.abort(.init(id: id, code: "no_space"))).contains(.measureSpace))
        return desk
    }

    @Test("the oldest archived run goes first, then free space is measured again")
    func first() throws {
        var desk = try desk()
        #expect(desk.tell(.freeSpace(0)).contains(.listArchives))
        let actions = desk.tell(.archives([archive]))
        #expect(actions.contains(.removeArchive(archive.time)))
        #expect(actions.warnings.first?.contains("the disk is full: removing the archived") == true)
        #expect(desk.tell(.archiveRemoved(archive.time, bytes: 1)).contains(.measureSpace))
        // It was not enough, and there is no other one.
        #expect(desk.tell(.freeSpace(1)).contains(.listArchives))
        #expect(desk.tell(.archives([])).contains(.remove([checkpoint(1)])))
    }

    @Test("one that cannot be removed is passed over")
    func held() throws {
        var desk = try desk()
        desk.tell(.freeSpace(0))
        desk.tell(.archives([archive]))
        #expect(desk.tell(.archiveRemoved(archive.time, bytes: nil)).contains(.listArchives))
        #expect(desk.tell(.archives([archive])).contains(.remove([checkpoint(1)])))
    }
}

extension Desk {
    /// Tells what is free, and of no archived run where that is asked.
    @discardableResult
    fileprivate mutating func space(_ free: Int64?, after wait: Duration = .zero) -> [Action] {
        let actions = tell(.freeSpace(free), after: wait)
        return actions.contains(.listArchives) ? actions + tell(.archives([])) : actions
    }
}
