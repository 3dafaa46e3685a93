import Glibc
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import Testing

@testable import supervise

@Suite("the doctor")
struct DoctorTests {
    private let runs: RunsOnDisk

    init() throws { runs = try RunsOnDisk() }

    /// What it finds that is not ok, as `level subject: text`.
    private func findings(_ arguments: [String] = []) throws -> [Finding] {
        struct Report: Codable {
            var problems: Int
            var findings: [Finding]
        }
        let answer = try runs.call("doctor", arguments + ["--json"])
        let report = try JSONText.decode(Report.self, from: answer.text.utf8)
        #expect(report.problems == report.findings.count { $0.level == .problem })
        #expect(answer.status == (report.problems == 0 ? 0 : 1))
        return report.findings.filter { $0.level != .ok && $0.run != nil }
    }

    private func path(_ name: String) -> String { "\(runs.root)/\(name)" }

    @Test("finds nothing wrong with a run that is as it should be, and changes nothing")
    func healthy() throws {
        try runs.add("a", outcome: .stopped, checkpoints: [1, 2])
        let before = try runs.snapshot()
        #expect(try findings().isEmpty)
        #expect(try findings(["a", "--digests"]).isEmpty)
        #expect(try runs.snapshot() == before)
        let text = try runs.call("doctor").text
        #expect(text.contains("\nrun a\n  ok       lock         free"))
        #expect(text.contains("2 checkpoints, 102 kB, manifests read"))
        #expect(text.contains("no problem"))
    }

    @Test("tells who holds the lock, and whose supervisor is gone")
    func lock() throws {
        try runs.add("a", .running, checkpoints: [1])
        let orphan = try findings()
        // The record of these tests is that of another machine.
        #expect(orphan.map(\.subject) == ["record", "status"])
        #expect(orphan.last?.advice == "supervise resume a --state-dir \(runs.root)")
        let lock = try runs.lock("a")
        #expect(try findings().isEmpty)
        #expect(try runs.call("doctor").text.contains("held by pid \(getpid())"))
        withExtendedLifetime(lock) {}
    }

    @Test("finds that what the job is given is not there any more")
    func job() throws {
        try runs.add("a", outcome: .stopped, options: ["chdir": runs.root, "user": "root"])
        try runs.add("b", outcome: .stopped, options: ["chdir": "/no/such", "user": "nobody-here"])
        let found = try findings()
        #expect(found.map(\.run) == ["b", "b"] && found.allSatisfy { $0.level == .problem })
        #expect(
            found.map(\.text) == [
                "--chdir: /no/such is not there", "--user: there is no user nobody-here",
            ])
        #expect(found.first?.advice == "make it, or give another")
    }

    @Test("finds rot in a manifest at once, and in a payload when it reads all")
    func rot() throws {
        try runs.add("a", outcome: .stopped, checkpoints: [1, 2])
        let payload = path("a/checkpoints/000001-step-1/data/w.json")
        var bytes = try Disk().readFile(payload, limit: 1 << 20)
        bytes[7] ^= 1
        try Disk().writeFile(payload, bytes)
        #expect(try findings().isEmpty)
        let found = try findings(["--digests"])
        #expect(found.map(\.text) == ["000001-step-1: data/w.json: SHA-256 differs"])
        try Disk().writeFile(path("a/checkpoints/000002-step-2/manifest.json"), [])
        #expect(try findings().map(\.level) == [.problem])
        #expect(try findings(["--digests"]).count == 2)
    }

    @Test("tells what is damaged, newer or missing, and what to do")
    func damaged() throws {
        for name in ["damaged", "newer", "lost", "unmounted", "pins"] {
            try runs.add(name, outcome: .stopped, checkpoints: [1])
        }
        try Disk().writeFile(path("damaged/run.json"), [])
        let record = try readSmallFile(path("newer/run.json"))
        let newer = record.split(separator: "\"format\":2").joined(separator: "\"format\":9")
        try Disk().writeFile(path("newer/run.json"), Array(newer.utf8))
        try Disk().removeFile(path("lost/run.json"))
        try Disk().removeTree(path("unmounted/checkpoints"))
        try Disk().writeFile(path("pins/pins.json"), Array("{\"format\":2}".utf8))
        try Disk().makeDirectory(path("empty"))
        let found = try findings()
        #expect(
            found.map { "\($0.run ?? "") \($0.level) \($0.subject)" } == [
                "damaged problem record", "empty note record", "lost problem record",
                "newer problem record", "pins problem pins", "unmounted problem checkpoints",
            ])
        #expect(found.allSatisfy { !($0.advice ?? "").isEmpty })
    }

    @Test("tells of what is left over, and of what others may write to")
    func leftovers() throws {
        let store = try runs.add("a", outcome: .stopped, checkpoints: [1])
        for name in ["staging", "staging/000002", "set-aside", "set-aside/000009-step-9"] {
            // Those above may be there.
            try? Disk().makeDirectory("\(store.paths.payload)/\(name)")
        }
        try Disk().writeFile("\(store.paths.status).bad", [])
        #expect(try findings().map(\.subject) == ["leftovers", "set aside", "derived"])
        #expect(chmod(store.paths.run, 0o777) == 0)
        #expect(try findings().last?.subject == "access")
        let lock = try runs.lock("a")
        #expect(try findings().map(\.subject) == ["set aside", "derived", "access"])
        withExtendedLifetime(lock) {}
    }

    @Test("of a run that is not there is refused")
    func unknown() throws {
        try runs.add("train", outcome: .stopped)
        #expect(runs.refusal("doctor", ["trein"])?.status == 1)
        #expect(runs.refusal("doctor", ["trein"])?.message.contains("did you mean train?") == true)
    }
}

@Suite("the doctor of the machine")
struct MachineDoctorTests {
    private let now = Timestamp(milliseconds: 1_795_237_441_000)

    private func levels(_ change: (inout MachineFacts) -> Void) -> [String] {
        var facts = MachineFacts(now: now)
        facts.socket = .ours("/run/x")
        facts.programs = Set(MachineDoctor.helpers.map(\.0))
        change(&facts)
        return MachineDoctor(facts: facts).findings().filter { $0.level != .ok }
            .map { "\($0.level) \($0.subject)" }
    }

    private func disk(
        _ kind: String = "ext4", free: Int64 = 50_000_000_000, freeFiles: Int64 = 100_000,
        readOnly: Bool = false, user: UInt32 = 5, mode: UInt32 = 0o700, isWritable: Bool = true
    ) -> MachineFacts.Place {
        let mount = Mount(
            kind: kind, size: 100_000_000_000, free: free, files: 200_000, freeFiles: freeFiles,
            isReadOnly: readOnly)
        return .init(
            label: "state", path: "/s",
            state: .there(mount, Ownership(user: user, mode: mode), isWritable: isWritable))
    }

    @Test("is content with a usual machine")
    func usual() {
        #expect(
            levels {
                $0.places = [disk()]; $0.user = 5
            } == [])
        #expect(levels { $0.places = [.init(label: "state", path: "/s", state: .missing)] } == [])
    }

    @Test(
        "tells of file systems that keep less than they promise",
        arguments: ["overlay", "9p", "fuse", "tmpfs", "nfs", "cifs"])
    func lying(kind: String) {
        #expect(
            levels {
                $0.places = [disk(kind)]; $0.user = 5
            } == ["note state"])
    }

    @Test("tells of a place that is full, read-only, open to others or somebody else's")
    func place() {
        for poor in [
            disk(free: 1_000_000), disk(freeFiles: 3), disk(readOnly: true), disk(mode: 0o770),
            disk(isWritable: false), disk(user: 6, isWritable: false),
        ] {
            #expect(
                levels {
                    $0.places = [poor]; $0.user = 5
                } == ["problem state"])
        }
        #expect(
            levels {
                $0.places = [disk(free: 4_000_000_000)]; $0.user = 5
            } == ["note state"])
        #expect(
            levels {
                $0.places = [disk(user: 6)]; $0.user = 5
            } == ["note state"])
        let file = MachineFacts.Place(label: "state", path: "/s", state: .noDirectory)
        #expect(levels { $0.places = [file] } == ["problem state"])
    }

    @Test("tells of limits, clocks and programs")
    func limits() {
        #expect(levels { $0.descriptors = 40 } == ["problem open files"])
        #expect(levels { $0.descriptors = 200 } == ["note open files"])
        #expect(levels { $0.processes = (100, 97) } == ["problem processes"])
        #expect(levels { $0.processes = (100, 60) } == ["note processes"])
        #expect(levels { $0.processes = (1000, 60) } == [])
        #expect(levels { $0.newest = now.advanced(bySeconds: 4000) } == ["problem clock"])
        #expect(levels { $0.now = Timestamp(milliseconds: 5) } == ["problem clock"])
        #expect(levels { $0.hasProc = false } == ["problem /proc"])
        #expect(levels { $0.programs = ["gzip"] } == ["note programs"])
        #expect(levels { $0.socket = .refused("/r", reason: "x") } == ["problem socket"])
    }
}
