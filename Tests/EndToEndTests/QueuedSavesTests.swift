import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// A job that goes on after `commit` without waiting, on a disk that is slow or hangs.
@Suite("Saves without waiting", .onStage, .enabled(if: Preload.isUsable, Preload.hindrance))
struct QueuedSavesTests {
    /// Commits one checkpoint of each step, and waits for none.
    private func save(_ steps: ClosedRange<Int64>, _ program: Program) throws -> [CheckpointID] {
        try steps.map { step in
            let began = try program.begin(step: step)
            try program.send(.commit(.init(id: began.id)))
            return began.id
        }
    }

    /// All messages up to one of this kind.
    private func messages(
        _ program: Program, until isLast: (SupervisorMessage) -> Bool
    ) throws -> [SupervisorMessage] {
        var messages: [SupervisorMessage] = []
        while true {
            let message = try program.message().message
            messages.append(message)
            if isLast(message) { return messages }
        }
    }

    private func committed(_ messages: [SupervisorMessage]) -> [CheckpointID] {
        messages.compactMap { if case .committed(let one) = $0 { one.id } else { nil } }
    }

    private func isBegan(_ message: SupervisorMessage) -> Bool {
        if case .began = message { true } else { false }
    }

    @Test("two commits are staged at most, and the next begin is answered when one is durable")
    func heldBack() throws {
        let place = try Place()
        let disk = try Preload(in: place)
        let program = try place.puppet(environment: disk.environment)
        try program.hello(accepts: false)
        try disk.hangDisk()
        let ids = try save(1...2, program)
        try program.send(.begin(.init(step: 3)))
        // Once this is known, the begin before it was heard.
        try program.send(.progress(.init(step: 77)))
        try waitBriefly { try place.statusOverSocket().progress.step == 77 }
        #expect(place.names(in: "staging") == ids.map(\.description))
        try disk.freeDisk()
        let heard = try messages(program, until: isBegan)
        #expect(committed(heard).first == ids[0])
        guard case .began(let began) = try #require(heard.last) else { return }
        #expect(began.id.description == "000003-step-3")
        try place.stop(program)
        #expect(place.checkpoints == ids.map(\.description))
    }

    @Test("a begin that is held back ends with its connection, and another one gets the place")
    func connectionCloses() throws {
        let place = try Place()
        let disk = try Preload(in: place)
        let program = try place.puppet(environment: disk.environment)
        try program.hello(accepts: false)
        try disk.hangDisk()
        let ids = try save(1...2, program)
        try program.hello(accepts: false, on: "2")
        try program.send(.begin(.init(step: 3)), on: "2")
        try program.send(.progress(.init(step: 77)), on: "2")
        try waitBriefly { try place.statusOverSocket().progress.step == 77 }
        try program.send(.begin(.init(step: 4)))
        #expect(try program.refusal().code == .conflict)
        try program.say("close 2")
        try program.send(.begin(.init(step: 5)))
        try disk.freeDisk()
        let heard = try messages(program) { isBegan($0) || isConflict($0) }
        // The supervisor may hear of the end of one connection after what another one says.
        if isConflict(heard[heard.count - 1]) { try program.send(.begin(.init(step: 5))) }
        let rest = isBegan(heard[heard.count - 1]) ? [] : try messages(program, until: isBegan)
        #expect(committed(heard + rest).first == ids[0])
        guard case .began(let began) = try #require((heard + rest).last) else { return }
        #expect(began.id.description == "000003-step-5")
        try place.stop(program)
    }

    private func isConflict(_ message: SupervisorMessage) -> Bool {
        if case .error(let error) = message { error.code == .conflict } else { false }
    }

    @Test("at SIGTERM the final checkpoint has a place, and is made before a commit that waits")
    func finalFirst() throws {
        let place = try Place()
        let disk = try Preload(in: place)
        let program = try place.puppet(environment: disk.environment)
        try program.hello()
        try disk.hangDisk()
        let ids = try save(1...2, program)
        // Held back, until the final request comes.
        try program.send(.begin(.init(step: 3)))
        try program.signal(15)
        let heard = try messages(program, until: isBegan)
        let request = heard.compactMap { message -> CheckpointRequest? in
            if case .checkpointRequest(let request) = message { request } else { nil }
        }
        guard case .began(let began) = try #require(heard.last) else { return }
        try program.say("write \(began.path)/state s")
        try program.line(starting: "written")
        try program.send(.commit(.init(id: began.id, request: request.first?.request)))
        try program.send(.progress(.init(step: 77)))
        try waitBriefly { try place.statusOverSocket().progress.step == 77 }
        try disk.freeDisk()
        var durable: [CheckpointID] = []
        while durable.count < 3 {
            if case .committed(let one) = try program.message().message { durable.append(one.id) }
        }
        #expect(durable == [ids[0], began.id, ids[1]])
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(place.checkpoints.last == began.id.description)
        for id in durable { #expect(try place.isWhole(id.description)) }
        let again = try place.puppet()
        #expect(try again.hello(accepts: false).resume?.id == began.id)
        try place.stop(again)
    }

    @Test("a commit that no rule keeps beside the final one is superseded, and its files go")
    func superseded() throws {
        let place = try Place()
        let disk = try Preload(in: place)
        let program = try place.puppet(["--keep-last", "1"], environment: disk.environment)
        try program.hello()
        try disk.hangDisk()
        let ids = try save(1...2, program)
        try program.signal(15)
        let request = try program.request().request
        let began = try program.begin(step: 3, request: request)
        try program.send(.commit(.init(id: began.id, request: request)))
        let refusal = try program.refusal()
        #expect(refusal.code == .superseded)
        let words = "\(began.id) came before the disk had begun with \(ids[1])"
        #expect(refusal.message.contains(words))
        try disk.freeDisk()
        let heard = try messages(program) { if case .stop = $0 { true } else { false } }
        #expect(committed(heard) == [ids[0], began.id])
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(place.checkpoints.last == began.id.description)
        #expect(!place.checkpoints.contains(ids[1].description))
        #expect(place.names(in: "staging").isEmpty)
        #expect(try place.manifest(began.id.description).parent == ids[0])
        let status = try place.status()
        #expect(status.ownSaves.superseded == 1 && status.ownSaves.failed == 0)
        #expect(status.requests.committed == 1)
    }

    @Test("a final commit that the disk has not finished in time is named as that, everywhere")
    func unfinished() throws {
        let place = try Place()
        let disk = try Preload(in: place)
        let program = try place.puppet(
            ["--checkpoint-timeout", "500ms", "--stop-timeout", "500ms"],
            environment: disk.environment)
        try program.hello()
        try disk.hangDisk(.staging)
        let peer = try place.connect()
        try program.signal(15)
        let request = try program.request().request
        try peer.send(line: #"{"type":"control","command":"checkpoint"}"#)
        let began = try program.begin(step: 2, request: request)
        try program.send(.commit(.init(id: began.id)))
        let words = "checkpoint \(began.id) was received from the job, and the disk has not made it"
        try program.errorLine(with: words)
        let answer = try #require(try peer.readLine())
        #expect(answer.contains("\"io\"") && answer.contains("the disk has not made it durable"))
        #expect(try program.waitForEnd() == .signaled(15))
        try disk.freeDisk(.staging)
        #expect(!program.text(.errors).contains("has not answered"))
        let last = try #require(program.lines(.errors).last)
        #expect(last.contains("checkpoint \(began.id) was received from the job"), "\(last)")
        let status = try place.status()
        #expect(status.requests.unfinished == 1 && status.requests.unanswered == 0)
        #expect(status.unfinished == [began.id] && !status.finalCheckpointLost)
        let events = try place.events()
        #expect(
            events.contains {
                if case .requestEnded(let ended) = $0 {
                    ended.result == .unfinished && ended.checkpoint == began.id
                } else {
                    false
                }
            })
        #expect(
            events.contains(
                .checkpointDropped(.init(id: began.id, reason: .unfinished))))
    }

    @Test("46 saves on a slow disk: few are staged at once, and at SIGTERM the newest is there")
    func manySaves() throws {
        let place = try Place()
        let disk = try Preload(in: place)
        let program = try place.puppet(["--keep-last", "2"], environment: disk.environment)
        try program.hello(accepts: false)
        try disk.slowSyncs()
        for step in 1...46 as ClosedRange<Int64> {
            try program.send(.begin(.init(step: step)))
            guard case .began(let began) = try #require(try messages(program, until: isBegan).last)
            else { return }
            #expect(place.names(in: "staging").count <= CommitLimit.most)
            try program.say("write \(began.path)/state s")
            try program.line(starting: "written")
            try program.send(.commit(.init(id: began.id)))
        }
        try program.signal(15)
        try program.line(starting: "signal SIGTERM")
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(place.checkpoints.last == "000046-step-46")
        #expect(try place.status().unfinished == [])
    }

    private enum CommitLimit {
        /// Those that are not durable, with the one that is begun.
        static let most = 2
    }
}
