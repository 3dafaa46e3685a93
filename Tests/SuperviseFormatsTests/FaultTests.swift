import Testing

@testable import SuperviseFormats

@Suite("what no supervisor has written")
struct FaultTests {
    private var record: RunRecord {
        RunRecord(
            name: "a", command: ["true"], directory: "/", options: [:],
            checkpointDirectory: "/s/a", created: Timestamp(milliseconds: 0), host: "h",
            bootID: "b", supervisorPID: 1, runToken: "0123456789abcdef")
    }

    private func fault(_ change: (inout RunRecord) -> Void) -> String? {
        var record = record
        change(&record)
        return record.fault
    }

    @Test("a record that counts below nothing, or so far that there is no next number")
    func counts() {
        #expect(record.fault == nil)
        #expect(fault { $0.attempt = -1 } == "\"attempt\" is -1")
        for far in [Int.min, -1, .max] {
            #expect(fault { $0.attempt = far } != nil)
            #expect(fault { $0.sequence = Int64(far) } != nil)
            #expect(fault { $0.commits = far } != nil)
            #expect(fault { $0.failures.total = far } != nil)
            #expect(fault { $0.failures.withoutProgress = far } != nil)
            #expect(fault { $0.failures.suspects["000001"] = far } != nil)
        }
        #expect(fault { $0.sequence = CheckpointID.mostSequence } == nil)
        #expect(fault { $0.sequence = CheckpointID.mostSequence + 1 } != nil)
        let next = CheckpointID(sequence: CheckpointID.mostSequence + 1, step: nil)
        #expect(CheckpointID(next.description) == next)
    }

    @Test("a record with forks from newer checkpoints, or out of order")
    func branches() {
        func forks(_ pairs: (Int64, Int64?)...) -> String? {
            fault { record in
                record.branches = pairs.map { .init(first: $0, parent: $1, asked: true) }
            }
        }
        #expect(forks((5, 2), (6, nil), (9, 8)) == nil)
        #expect(forks((5, 5)) == "\"branches\" has a fork at 5 from 5")
        #expect(forks((5, 2), (5, 2)) != nil && forks((5, 2), (3, 2)) != nil)
        #expect(forks((0, nil)) != nil && forks((5, -1)) != nil && forks((.max, 1)) != nil)
    }

    @Test("a record without a command, with paths that lead nowhere or with odd tokens")
    func texts() {
        #expect(fault { $0.command = [] } != nil)
        #expect(fault { $0.command = [""] } != nil)
        #expect(fault { $0.name = "../a" } != nil)
        #expect(fault { $0.directory = "work" } != nil)
        #expect(fault { $0.checkpointDirectory = "" } != nil)
        #expect(fault { $0.checkpointDirectory = nil } == nil)
        #expect(fault { $0.home = Home(path: "s/a", id: .init(device: 1, inode: 1)) } != nil)
        #expect(fault { $0.sharedThrough = -1 } != nil)
        for token in ["", "xyz", "0123456789ABCDEF", "0123456789abcdef0"] {
            #expect(fault { $0.runToken = token } != nil)
        }
        let attempt = RunRecord.Attempt(
            token: "0", resumedFrom: nil, started: record.created, progressed: false)
        #expect(fault { $0.current = attempt } != nil)
    }

    @Test("a manifest whose sizes cannot be added up")
    func sizes() {
        func fault(_ sizes: [Int64]) -> String? {
            Manifest(
                id: CheckpointID(sequence: 1, step: nil), reason: .job, attempt: 1, parent: nil,
                created: Timestamp(milliseconds: 0), seconds: 0,
                files: sizes.map { .init(path: "data/\($0)", bytes: $0) }, metrics: [:],
                metadata: [:]
            ).fault
        }
        #expect(fault([0, 5, 1 << 40]) == nil)
        #expect(fault([-1]) != nil)
        #expect(fault([.max, .max]) != nil)
        #expect(fault([.max - 1, 1]) != nil)
    }
}
