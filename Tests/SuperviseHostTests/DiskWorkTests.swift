import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import TestSupport
import Testing

@testable import SuperviseHost

/// What is done beside the loop, on a real disk that may hang.
@Suite("Disk work")
final class DiskWorkTests {
    private let diary: Diary
    private let place: TemporaryDirectory
    private let disk = SlowDisk()
    private let store: RunStore
    private let work: DiskWork

    init() throws {
        let diary = try Diary()
        self.diary = diary
        place = try TemporaryDirectory()
        let name = try #require(RunName("it"))
        store = RunStore(RunPaths(stateDirectory: place.path, name: name), files: disk)
        try store.prepare()
        work = try DiskWork(store, on: diary.loop) { event in
            diary.note(Self.brief(event))
        }
    }

    deinit {
        disk.goOn()
    }

    private static func brief(_ event: Event) -> String {
        switch event {
        case .committed(let summary, _): "committed \(summary.id)"
        case .commitFailed(let id, let error): "failed \(id) \(error.code.rawValue)"
        case .stagingMade(let id, _): "staging \(id)"
        case .stagingMeasured(_, let size): "\(size.files) files of \(size.bytes) bytes"
        case .removed(let gone, let held): "removed \(gone) held \(held)"
        case .recorded: "recorded"
        case .lastRecorded: "last recorded"
        case .recordGivenUp(let isVisible): "given up, visible \(isVisible)"
        case .filesFlushed: "flushed"
        case .recordFailed(let message): "record failed: \(message)"
        case .warned(let message): "warned: \(message)"
        default: "\(event)"
        }
    }

    private func status(attempt: Int) -> Status {
        Status(
            name: "it", phase: .running, command: ["job"], supervisorPID: 1, attempt: attempt,
            started: .init(milliseconds: 0), updated: .init(milliseconds: 0))
    }

    private func record(attempt: Int) -> RunRecord {
        var record = RunRecord(
            name: "it", command: ["job"], directory: "/", options: [:],
            checkpointDirectory: store.paths.payload, created: .init(milliseconds: 0),
            host: "here", bootID: "boot", supervisorPID: 1, runToken: "0123456789abcdef")
        record.attempt = attempt
        return record
    }

    private func append(_ text: String) {
        let event = RunEvent.warning(.init(message: text))
        work.append(LoggedEvent(at: .init(milliseconds: 0), event: event))
    }

    private func messages() throws -> [String] {
        try store.derived.readEvents().map { logged in
            if case .warning(let warning) = logged.event { warning.message } else { "" }
        }
    }

    private func id(_ number: Int64) -> CheckpointID { .init(sequence: number, step: nil) }

    private func order(_ number: Int64) -> CommitOrder {
        .init(
            id: id(number), reason: .job, attempt: 1, parent: nil, created: .init(milliseconds: 0),
            secondsSoFar: 1, metrics: [:], metadata: [:])
    }

    /// A checkpoint of one file.
    private func save(_ number: Int64) throws {
        let file = try place.write("file", "of \(number)")
        work.add(order(number), from: .init(path: FilePath(file), mode: .copy))
        try diary.wait(for: "committed \(id(number))")
    }

    @Test(
        "a watched file that is removed while it is copied has gone, which is no failure",
        arguments: [SlowDisk.Kind.copy, .copied], [false, true])
    func goneMeanwhile(kind: SlowDisk.Kind, isDirectory: Bool) throws {
        if isDirectory { _ = try place.makeDirectory("saved") }
        let file = try place.write(isDirectory ? "saved/a" : "saved", "content")
        let saved = FilePath("\(place.path)/saved")
        disk.hang(on: kind)
        let rule = RepeatRule(path: saved, step: nil, newest: nil)
        work.add(order(1), from: .init(path: saved, mode: .copy, rule: rule))
        disk.waitUntilHanging(on: kind)
        if isDirectory { try Disk().removeTree(saved.text) } else { try Disk().removeFile(file) }
        disk.goOn()
        try diary.wait { !$0.isEmpty }
        #expect(diary.lines == ["\(Event.notAdded(id(1), .gone))"])
        // Nothing of it is left, and the next one is taken.
        try save(2)
        #expect(try store.checkpoints.scan().checkpoints.map(\.id) == [id(2)])
    }

    /// A quiet moment of the loop, in which what was recorded is given to its thread.
    private func beQuiet() throws {
        diary.loop.whenQuiet { [diary] in diary.loop.stop() }
        try diary.loop.run()
    }

    @Test("the first record is durable at once, and what fails says why")
    func firstRecord() throws {
        work.save(record(attempt: 1), confirm: true)
        #expect(diary.lines == ["recorded"])
        #expect(try store.record.load()?.attempt == 1)
        try Disk().removeTree(store.paths.run)
        work.save(record(attempt: 2), confirm: true)
        try diary.wait { $0.count == 2 }
        work.save(record(attempt: 3), confirm: false)
        try diary.wait { $0.count == 3 }
        #expect(diary.lines.dropFirst().allSatisfy { $0.contains("No such file") })
    }

    @Test("a record to be confirmed never overtakes one that is being written, and nobody waits")
    func recordInOrder() throws {
        disk.hang(on: .fileSync)
        work.save(record(attempt: 1), confirm: false)
        try beQuiet()
        disk.waitUntilHanging(on: .fileSync)
        work.save(record(attempt: 2), confirm: true)
        #expect(diary.lines.isEmpty)
        disk.goOn()
        try diary.wait(for: "recorded")
        #expect(try store.record.load()?.attempt == 2)
        #expect(diary.lines == ["recorded"])
    }

    @Test("a record that is given up while the disk hangs is never published")
    func recordGivenUp() throws {
        work.save(record(attempt: 1), confirm: true)
        disk.hang(on: .fileSync)
        work.save(last, confirm: true)
        disk.waitUntilHanging(on: .fileSync)
        work.giveUpRecord()
        #expect(diary.lines == ["recorded", "given up, visible false"])
        disk.goOn()
        try diary.wait { $0.count == 3 }
        #expect(diary.lines.last?.hasPrefix("record failed") == true)
        work.save(last, confirm: true)
        try diary.wait { $0.count == 4 }
        #expect(try store.record.load()?.outcome == nil)
    }

    @Test("a record that is given up while it gets its name is said to be visible")
    func recordGivenUpLate() throws {
        work.save(record(attempt: 1), confirm: true)
        disk.hang(on: .rename)
        work.save(last, confirm: true)
        disk.waitUntilHanging(on: .rename)
        work.giveUpRecord()
        #expect(diary.lines == ["recorded", "given up, visible true"])
        disk.goOn()
    }

    @Test("a last record that was durable before it was given up counts as recorded")
    func recordGivenUpTooLate() throws {
        work.save(record(attempt: 1), confirm: true)
        work.save(last, confirm: true)
        try waitBriefly { try store.record.load()?.outcome != nil }
        try diary.wait(for: "last recorded")
        work.giveUpRecord()
        #expect(diary.lines == ["recorded", "last recorded", "last recorded"])
    }

    private var last: RunRecord {
        var record = record(attempt: 2)
        record.outcome = Outcome(kind: .completed, exitCode: 0)
        return record
    }

    @Test("a record that came after one to be confirmed confirms it, too")
    func recordConfirmedByNewer() throws {
        disk.hang(on: .fileSync)
        work.save(record(attempt: 1), confirm: false)
        try beQuiet()
        disk.waitUntilHanging(on: .fileSync)
        work.save(record(attempt: 2), confirm: true)
        work.save(record(attempt: 3), confirm: false)
        disk.goOn()
        try diary.wait(for: "recorded")
        work.flush()
        try diary.wait(for: "flushed")
        #expect(try store.record.load()?.attempt == 3)
        #expect(diary.lines == ["recorded", "flushed"])
    }

    @Test("while the disk hangs, the newest record and status wait, and all events, in their order")
    func newestWins() throws {
        disk.hang(on: .write)
        for number in 1...500 {
            work.save(record(attempt: number), confirm: false)
            work.publish(status(attempt: number))
            append("event \(number)")
        }
        disk.goOn()
        work.flush()
        try diary.wait(for: "flushed")
        #expect(try store.record.load()?.attempt == 500)
        #expect(try store.derived.readStatus()?.attempt == 500)
        #expect(try messages() == (1...500).map { "event \($0)" })
        // What was under way when it hung, and the rest.
        for name in ["run.json.tmp", "status.json.tmp", "events.jsonl"] {
            #expect((1...2).contains(disk.writes(to: name)), "\(name)")
        }
        #expect(diary.lines == ["flushed"])
    }

    @Test("events that come while too many wait are counted")
    func tooManyEvents() throws {
        disk.hang(on: .write)
        append("event 0")
        try beQuiet()
        // It is under way, so all that follows waits.
        disk.waitUntilHanging(on: .write)
        for number in 1...(WaitingEvents.most + 7) { append("event \(number)") }
        disk.goOn()
        work.flush()
        try diary.wait(for: "flushed")
        let kept = (0...WaitingEvents.most).map { "event \($0)" }
        let last = "7 events are not written here: the disk did not answer for long"
        #expect(try messages() == kept + [last])
    }

    @Test("to flush is to hear nothing as long as the disk hangs, and the loop goes on")
    func flushWhileItHangs() throws {
        disk.hang(on: .write)
        append("event")
        work.flush()
        let alarm = try TimerTable(on: diary.loop) { [diary] _ in diary.note("the time is over") }
        alarm.set(.accept, at: .init(nanoseconds: MonotonicTime.now().nanoseconds + 5_000_000))
        try diary.wait(for: "the time is over")
        #expect(diary.lines == ["the time is over"])
        disk.goOn()
        try diary.wait(for: "flushed")
        #expect(try messages() == ["event"])
    }

    @Test("while a job is on its way to its exec nothing is written, unless somebody waits for it")
    func givesWay() throws {
        work.holdRecords(true)
        append("first")
        for round in 1...20 {
            diary.loop.whenQuiet { [diary] in diary.note("quiet \(round)") }
            try diary.wait(for: "quiet \(round)")
        }
        disk.hang(on: .write)
        work.flush()
        disk.waitUntilHanging(on: .write)
        disk.goOn()
        try diary.wait(for: "flushed")
        #expect(try messages() == ["first"])
        append("second")
        disk.hang(on: .write)
        work.holdRecords(false)
        diary.loop.whenQuiet { [diary] in diary.note("quiet again") }
        try diary.wait(for: "quiet again")
        disk.waitUntilHanging(on: .write)
        disk.goOn()
    }

    @Test("a derived file that cannot be written is told once, until it can be again")
    func derivedFailure() throws {
        try Disk().makeDirectory("\(store.paths.status).tmp")
        for number in 1...3 {
            work.publish(status(attempt: number))
            append("events are written all the same")
            work.flush()
            try diary.wait { lines in lines.filter { $0 == "flushed" }.count == number }
        }
        #expect(diary.lines.filter { $0.contains("the job goes on") }.count == 1)
        try Disk().removeTree("\(store.paths.status).tmp")
        work.publish(status(attempt: 4))
        work.flush()
        try diary.wait { lines in lines.filter { $0 == "flushed" }.count == 4 }
        #expect(try store.derived.readStatus()?.attempt == 4)
    }

    @Test("nothing stays of a commit that failed")
    func failedCommit() throws {
        work.makeStaging(id(1))
        try diary.wait(for: "staging 000001")
        work.commit(order(1))
        try diary.wait(for: "failed 000001 empty_checkpoint")
        work.add(order(2), from: .init(path: "/nowhere/at/all", mode: .copy))
        try diary.wait(for: "failed 000002 bad_path")
        #expect(try Disk().list(store.paths.staging).isEmpty)
    }

    @Test("what is dropped before it could be made is gone in the end")
    func droppedEarly() throws {
        disk.hang(on: .write)
        work.makeStaging(id(1))
        work.dropStaging(id(1))
        work.sweep()
        disk.goOn()
        try diary.wait(for: "staging 000001")
        // Behind it on the lane that removes.
        work.makeStaging(id(2))
        try diary.wait(for: "staging 000002")
        work.measureStaging(id(1))
        try diary.wait(for: "0 files of 0 bytes")
        #expect(try Disk().list(store.paths.staging).map(\.name) == ["000002"])
    }

    @Test("one that somebody is reading is told to be held, and goes when it is not read")
    func heldByReaders() throws {
        for number in 1...3 { try save(Int64(number)) }
        let reader = RunStore(store.paths)
        let hold = try reader.checkpoints.hold(id(2))
        work.remove([id(1), id(2)])
        try diary.wait(for: "removed [000001] held [000002]")
        withExtendedLifetime(hold) {}
        #expect(try Disk().list(store.paths.checkpoints).map(\.name) == ["000002", "000003"])
    }

    @Test("where removing fails, it is told what is still there")
    func removingFails() throws {
        for number in 1...2 { try save(Int64(number)) }
        try Disk().removeTree(store.paths.trash)
        try place.write("it/trash", "in the way")
        work.remove([id(1), id(9)])
        try diary.wait { $0.last?.hasPrefix("removed") == true }
        let told = diary.lines.suffix(3)
        #expect(told.first?.hasPrefix("warned: old checkpoints could not be removed") == true)
        #expect(told.dropFirst() == ["removalFailed([000001])", "removed [000009] held []"])
    }

    @Test("while a commit is under way the next checkpoint is begun and written")
    func beginBesideCommit() throws {
        work.makeStaging(id(1))
        try diary.wait(for: "staging 000001")
        let data = store.paths.staging(id(1)) + "/data"
        try Disk().writeFile("\(data)/file", [1])
        disk.hang(on: .fileSync)
        work.commit(order(1))
        disk.waitUntilHanging(on: .fileSync)
        work.makeStaging(id(2))
        try diary.wait(for: "staging 000002")
        try Disk().writeFile("\(store.paths.staging(id(2)))/data/file", [2])
        work.dropStaging(id(2))
        work.makeStaging(id(3))
        try diary.wait(for: "staging 000003")
        #expect(try Disk().list(store.paths.staging).map(\.name) == ["000001", "000003"])
        disk.goOn()
        try diary.wait(for: "committed 000001")
    }

    @Test("commits are finished in the order of their numbers, and nothing else delays them")
    func commitsInOrder() throws {
        // Whatever else takes long has taken all threads that there are.
        disk.hang(on: .removal)
        let nothing = "\(place.path)/nothing"
        for _ in 0..<processorCount() {
            work.bulk.submit { [disk] in try? disk.removeTree(nothing) }
        }
        disk.hang(on: .fileSync)
        for number in 1...3 {
            let file = try place.write("file\(number)", "of \(number)")
            work.add(order(Int64(number)), from: .init(path: FilePath(file), mode: .own))
        }
        disk.waitUntilHanging(on: .fileSync)
        disk.goOn(with: .fileSync)
        try diary.wait { $0.count == 3 }
        #expect(diary.lines == (1...3).map { "committed 00000\($0)" })
        disk.goOn()
    }

    @Test("what stays of an original that was to be moved is told, and the checkpoint is good")
    func leftOriginal() throws {
        // Another file system.
        let memory = try Scratch(in: "/dev/shm")
        try Disk().makeDirectory("\(memory.path)/out")
        try Disk().writeFile("\(memory.path)/out/file", [1])
        disk.hang(on: .fileSync)
        work.add(order(1), from: .init(path: "\(memory.path)/out", mode: .move))
        disk.waitUntilHanging(on: .fileSync)
        try Disk().writeFile("\(memory.path)/out/later", [2])
        disk.goOn()
        try diary.wait(for: "committed 000001")
        #expect(
            diary.lines.contains(
                "warned: \(memory.path)/out was copied, and stays, for it holds more by now"))
    }

    @Test("deleting delays no commit")
    func deletingDelaysNothing() throws {
        try save(1)
        disk.hang(on: .removal)
        work.remove([id(1)])
        disk.waitUntilHanging(on: .removal)
        try save(2)
        #expect(diary.lines == ["committed 000001", "committed 000002"])
        disk.goOn()
        try diary.wait(for: "removed [000001] held []")
    }
}
