import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// A program tells one thing after the other.
@Suite("A notice that changes", .onStage)
struct ChangingNoticeTests {
    /// A job, and what its program of `--preempt` tells, line by line.
    private func watched(_ place: Place) throws -> (job: Program, lines: Program) {
        #expect(try place.start(["mkfifo", "fifo"]).waitForEnd() == .exited(0))
        let program = try place.puppet(
            ["--preempt", "exec:cat \(place.path)/fifo", "--checkpoint-every", "off"])
        try program.hello()
        // The pipe stays open until the end of the test.
        return (program, try place.start(["sh", "-c", "exec cat > fifo"], hasInput: true))
    }

    private func notice(_ place: Place) throws -> Status.Notice? {
        try place.status().preemption?.notice
    }

    @Test("a second line is read: the job is asked again, with its number and the shorter deadline")
    func asksAgain() throws {
        let place = try Place()
        let (job, lines) = try watched(place)
        try lines.say(#"{"deadline_s": 60, "action": "stop"}"#)
        let first = try job.request()
        #expect(first.final && (first.deadline ?? 0) > 40)
        try lines.say(#"{"deadline_s": 23}"#)
        let again = try job.request()
        #expect(again.request == first.request && again.final)
        #expect(try #require(again.deadline) < 21)
        try waitForChange(in: "\(place.state)/it") { try notice(place)?.action == "terminate" }
        try job.checkpoint(step: 7, request: first.request)
        #expect(try job.received().contains(#""type":"stop""#))
        try job.say("exit 0")
        #expect(try job.waitForEnd() == .exited(75))
        #expect(try place.status().requests.made == 1)
    }

    @Test("a notice that is withdrawn is told; the job goes on, and the status shows none")
    func withdrawn() throws {
        let place = try Place()
        let (job, lines) = try watched(place)
        try job.checkpoint(step: 1)
        try lines.say(#"{"deadline_s": 200}"#)
        try job.errorLine(with: "exec:cat: this machine is taken away in 3m20s")
        try lines.say("nonsense")
        try job.errorLine(with: "something else than a notice")
        try waitForChange(in: "\(place.state)/it") { try notice(place) != nil }
        try lines.say("gone")
        try job.errorLine(
            with: "exec:cat: the notice is withdrawn: this machine stays, and the job goes on")
        try waitForChange(in: "\(place.state)/it") { try notice(place) == nil }
        #expect(try place.status().phase == .running)
        let told = try place.events().compactMap {
            if case .noticeWithdrawn(let told) = $0 { told } else { nil }
        }
        #expect(told == [.init(source: "exec:cat", action: "terminate", follows: .goesOn)])
        try job.say("exit 0")
        #expect(try job.waitForEnd() == .exited(0))
    }

    @Test("a job that was asked for its last checkpoint ends all the same, and a line says so")
    func tooLate() throws {
        let place = try Place()
        let (job, lines) = try watched(place)
        try lines.say(#"{"deadline_s": 40}"#)
        let request = try job.request()
        try lines.say(#"{"action": "gone"}"#)
        try job.errorLine(with: "withdrawn, but the job was told to end")
        try job.checkpoint(step: 3, request: request.request)
        try job.say("exit 0")
        #expect(try job.waitForEnd() == .exited(75))
    }

    @Test("two minutes before any checkpoint: one at once, and the last one shortly before the end")
    func measuresFirst() throws {
        let place = try Place()
        let (job, lines) = try watched(place)
        try lines.say(#"{"deadline_s": 120}"#)
        let first = try job.request()
        #expect(!first.final && first.deadline == nil && first.reason == .preemption)
        try job.checkpoint(step: 1, request: first.request)
        try waitForChange(in: "\(place.state)/it") {
            guard let notice = try notice(place), let final = notice.finalCheckpoint else {
                return false
            }
            return notice.saved != nil && notice.deadline.seconds(since: final) < 20
        }
        #expect(try place.status().phase == .running)
        try lines.say(#"{"deadline_s": 5}"#)
        let last = try job.request()
        #expect(last.final && last.request != first.request)
        try job.checkpoint(step: 2, request: last.request)
        try job.say("exit 0")
        #expect(try job.waitForEnd() == .exited(75))
    }
}

/// The same, told by a stand-in for the clouds.
@Suite(
    "A notice of a cloud that changes", .onStage,
    .enabled(if: MetadataService.isThere, "there is no stand-in for the clouds here"))
struct ChangingCloudTests {
    /// A job that has saved once, so that it is known what that takes.
    private func watched(
        _ cloud: String, _ place: Place, _ service: MetadataService, _ options: [String] = []
    ) throws -> Program {
        let program = try place.puppet(
            ["--preempt", cloud, "--checkpoint-every", "off"] + options,
            environment: service.environment)
        try program.hello()
        try program.checkpoint(step: 1)
        try waitForChange(in: "\(place.state)/it") {
            try place.status().preemption?.sources.allSatisfy { $0.state == .watching } == true
        }
        return program
    }

    private func waitForNotice(
        _ place: Place, _ matches: @escaping (Status.Notice?) -> Bool
    ) throws {
        try waitForChange(in: "\(place.state)/it") {
            matches(try place.status().preemption?.notice)
        }
    }

    @Test(
        "each cloud may withdraw a notice, and the job goes on", arguments: ["aws", "gcp", "azure"])
    func withdrawn(cloud: String) throws {
        let place = try Place()
        let service = try MetadataService(place)
        let program = try watched(cloud, place, service, ["--preempt-grace", "100s"])
        try service.control("arm?notice=100")
        try waitForNotice(place) { $0?.action == "terminate" }
        try service.control("disarm")
        try program.errorLine(with: "\(cloud): the notice is withdrawn: this machine stays")
        try waitForNotice(place) { $0 == nil }
        #expect(try place.status().phase == .running)
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .exited(0))
    }

    @Test("a Preempt that follows a Reboot in ten minutes is heard, and is what is shown")
    func harsher() throws {
        let place = try Place()
        let service = try MetadataService(place)
        let program = try watched("azure", place, service)
        try service.control("arm?action=Reboot&notice=600")
        try waitForNotice(place) { $0?.action == "stop" }
        // With so much time there is a checkpoint at once.
        let first = try program.request()
        #expect(!first.final)
        try program.checkpoint(step: 2, request: first.request)
        try service.control("arm?notice=9")
        let last = try program.request()
        #expect(last.final)
        try waitForNotice(place) { $0?.action == "terminate" }
        try program.checkpoint(step: 3, request: last.request)
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .exited(75))
    }

    @Test("maintenance has a grace of its own: a checkpoint at once, and the end an hour later")
    func maintenance() throws {
        let place = try Place()
        let service = try MetadataService(place)
        let program = try watched(
            "gcp", place, service, ["--preempt-grace", "maintenance=1h,preempted=2h"])
        try service.control("arm?action=stop")
        try waitForNotice(place) { $0?.action == "stop" }
        let first = try program.request()
        #expect(!first.final && first.reason == .preemption)
        try program.checkpoint(step: 2, request: first.request)
        let notice = try #require(try place.status().preemption?.notice)
        #expect(abs(notice.deadline.seconds(since: notice.noticed) - 3600) < 1)
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .exited(0))
    }

    @Test("where no token comes AWS is asked without one, and the hop limit is named")
    func hopLimit() throws {
        let place = try Place()
        let service = try MetadataService(place, ["--imdsv1"])
        try service.control("fault?kind=hang&path=api/token")
        let program = try watched("aws", place, service)
        try program.errorLine(with: "--http-put-response-hop-limit 2")
        try service.control("arm?notice=30&action=stop")
        try waitForNotice(place) { $0?.action == "stop" }
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .exited(0))
    }

    @Test("where AWS wants a token and none comes, the status and doctor name the cure")
    func hopLimitWithoutFallback() throws {
        let place = try Place()
        let service = try MetadataService(place)
        try service.control("fault?kind=hang&path=api/token")
        let program = try place.puppet(["--preempt", "aws"], environment: service.environment)
        try program.hello()
        try waitForChange(in: "\(place.state)/it") {
            try place.status().preemption?.sources.first?.error?.contains("(status 401)") == true
        }
        let doctor = try place.call(["doctor", "it", "--state-dir", place.state])
        #expect(try doctor.waitForEnd() == .exited(1))
        #expect(doctor.text(.output).contains("--http-put-response-hop-limit 2"))
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .exited(0))
    }

    @Test("where Azure does not tell the machine's name every event counts, and a line says so")
    func nameless() throws {
        let place = try Place()
        let service = try MetadataService(place)
        try service.control("fault?kind=status&arg=404&path=metadata/instance")
        let program = try watched("azure", place, service)
        try program.errorLine(with: "every event of its group counts")
        try service.control("arm?notice=100")
        try waitForNotice(place) { $0?.action == "terminate" }
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .exited(0))
    }
}
