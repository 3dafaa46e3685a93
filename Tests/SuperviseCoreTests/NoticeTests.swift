import SuperviseFormats
import Testing

@testable import SuperviseCore

/// What the sources are asked, and what their answers mean.
@Suite("Notices")
struct NoticeTests {
    /// 2026-11-28T08:00:00Z.
    private static let now = Timestamp(milliseconds: 1_795_852_800_000)

    private func answer(
        _ body: String, status: Int = 200, headers: [String: String] = [:], error: String? = nil
    ) -> Inquiry.Answer {
        .init(status: status, headers: headers, body: body, error: error)
    }

    private func requests(_ inquiry: Inquiry) throws -> HTTPRequests {
        guard case .requests(let requests) = inquiry else { throw Violation("test", "a program") }
        return requests
    }

    private func notice(_ reading: NoticeReading) throws -> Notice {
        switch reading {
        case .notices(let notices) where notices.count == 1,
            .aside(let notices) where notices.count == 1:
            return notices[0]
        default: throw Violation("test", "\(reading)")
        }
    }

    /// One that has its token and asks.
    private func aws(paced: Bool = true) -> AWSNotices {
        var aws = AWSNotices(base: "http://b")
        _ = aws.inquiry(paced: paced)
        _ = aws.read(answer("secret=="), at: Self.now)
        _ = aws.inquiry(paced: paced)
        return aws
    }

    private func azure(acknowledges: Bool = false) -> AzureNotices {
        var azure = AzureNotices(base: "http://b", acknowledges: acknowledges)
        _ = azure.inquiry(paced: true)
        _ = azure.read(answer(#"{"compute":{"name":"vm-1","vmId":"x"}}"#), at: Self.now)
        _ = azure.inquiry(paced: true)
        return azure
    }

    private func program() -> ProgramNotices {
        var program = ProgramNotices(["watch"])
        _ = program.inquiry(paced: true)
        return program
    }

    @Test("AWS is asked for a token first, and then every five seconds, with it")
    func awsInquiries() throws {
        var aws = AWSNotices(base: "http://b")
        let token = try requests(aws.inquiry(paced: true))
        #expect(token.method == "PUT" && token.urls == ["http://b/latest/api/token"])
        #expect(token.headers == ["X-aws-ec2-metadata-token-ttl-seconds: 3600"])
        #expect(aws.read(answer("secret=="), at: Self.now) == .askAgain)
        let questions = try requests(aws.inquiry(paced: true))
        #expect(
            questions.urls.prefix(3) == [
                "http://b/latest/meta-data/spot/instance-action",
                "http://b/latest/meta-data/events/recommendations/rebalance",
                "http://b/latest/meta-data/spot/instance-action",
            ])
        #expect(questions.headers == ["X-aws-ec2-metadata-token: secret=="])
        #expect(questions.spacing == .milliseconds(2500))
        #expect(try requests(aws.inquiry(paced: true)).method == "PUT", "each has a new token")
    }

    @Test("an old curl is asked once at a time")
    func unpaced() throws {
        var aws = AWSNotices(base: "http://b")
        _ = aws.inquiry(paced: false)
        _ = aws.read(answer("secret"), at: Self.now)
        let questions = try requests(aws.inquiry(paced: false))
        #expect(questions.urls.count == 2 && questions.spacing == nil)
        #expect(aws.interval == .seconds(5))
    }

    @Test("a token that has run out is replaced, and one that was never taken is a failure")
    func awsUnauthorized() {
        var fresh = aws()
        #expect(
            fresh.read(answer("", status: 401), at: Self.now)
                == .failure("it answered with status 401"))
        var used = aws()
        #expect(used.read(answer("no", status: 404), at: Self.now) == .nothing)
        #expect(used.read(answer("", status: 401), at: Self.now) == .askAgain)
    }

    @Test("that AWS recommends nothing withdraws nothing; that no interruption is planned does")
    func awsQuestions() {
        var aws = aws()
        #expect(aws.read(answer("no", status: 404), at: Self.now) == .nothing)
        #expect(aws.read(answer("no", status: 404), at: Self.now) == .aside([]))
        #expect(aws.read(answer("no", status: 404), at: Self.now) == .nothing)
        #expect(aws.read(answer(#"{"noticeTime":"x"}"#), at: Self.now) != .nothing)
    }

    private let timedOut = Inquiry.Answer(error: "curl: (28) Operation timed out after 2001 ms")

    @Test("after two requests for a token in vain AWS is asked without one, and goes on so")
    func awsWithoutToken() throws {
        var aws = AWSNotices(base: "http://b")
        for _ in 0..<2 {
            #expect(try requests(aws.inquiry(paced: true)).method == "PUT")
            guard case .failure(let message) = aws.read(timedOut, at: Self.now) else {
                throw Violation("test", "a token")
            }
            #expect(message.contains("no token comes (curl: (28)"))
            #expect(message.contains("--http-put-response-hop-limit 2"))
        }
        for _ in 0..<3 {
            let questions = try requests(aws.inquiry(paced: true))
            #expect(questions.method == "GET" && questions.headers.isEmpty)
            #expect(questions.urls.count == 120)
            #expect(aws.remark == nil)
            #expect(aws.read(answer("no", status: 404), at: Self.now) == .nothing)
            #expect(try #require(aws.remark).contains("hop limit"))
        }
    }

    @Test("where AWS wants a token it asks for one again, and the failure names the cure")
    func awsWantsToken() throws {
        var aws = AWSNotices(base: "http://b")
        for _ in 0..<2 {
            _ = aws.inquiry(paced: true)
            _ = aws.read(timedOut, at: Self.now)
        }
        _ = aws.inquiry(paced: true)
        guard case .failure(let message) = aws.read(answer("", status: 401), at: Self.now) else {
            throw Violation("test", "understood")
        }
        #expect(message.contains("(status 401)") && message.contains("hop-limit 2"))
        #expect(try requests(aws.inquiry(paced: true)).method == "PUT")
    }

    @Test(
        "what AWS says is done with the machine is told apart",
        arguments: [
            ("terminate", Notice.Action.terminate), ("stop", .stop), ("hibernate", .hibernate),
        ])
    func awsActions(word: String, action: Notice.Action) throws {
        var aws = aws()
        let body = #"{"action":"\#(word)","time":"2026-11-28T08:01:30Z"}"#
        let notice = try notice(aws.read(answer(body), at: Self.now))
        #expect(notice.action == action && notice.left == .seconds(90) && notice.doubt == nil)
    }

    @Test("a rebalance recommendation asks for a checkpoint, and ends nothing")
    func awsRebalance() throws {
        var aws = aws()
        let body = #"{"noticeTime":"2026-11-28T07:59:30Z"}"#
        let notice = try notice(aws.read(answer(body), at: Self.now))
        #expect(notice.action == .checkpoint && notice.left == nil)
    }

    @Test("a clock of ours that is wrong changes nothing: the answer tells when it was written")
    func serversClock() throws {
        var aws = aws()
        let body = #"{"action":"terminate","time":"2026-11-28T08:01:30Z"}"#
        let date = ["date": "Sat, 28 Nov 2026 08:00:30 GMT"]
        let skewed = Self.now.advanced(bySeconds: 86_400 * 400)
        let notice = try notice(aws.read(answer(body, headers: date), at: skewed))
        #expect(notice.left == .seconds(60))
    }

    @Test(
        "a time that cannot be true ends no run, one that is no time is soon, one too far ahead is not believed",
        arguments: [
            ("2026-11-28T07:59:00Z", Notice.Action.terminate, Duration.zero, false),
            ("2026-11-28T07:00:00Z", .checkpoint, nil, true),
            ("1926-11-28T08:00:00Z", .checkpoint, nil, true),
            ("2126-11-28T08:00:00Z", .checkpoint, nil, true),
            ("soon", .terminate, nil, true), ("", .terminate, nil, true),
            ("2026-11-28T08:30:00Z", .terminate, .seconds(120), false),
        ] as [(String, Notice.Action, Duration?, Bool)])
    func lies(time: String, action: Notice.Action, left: Duration?, isDoubted: Bool) throws {
        var aws = aws()
        let body = #"{"action":"terminate","time":"\#(time)"}"#
        let notice = try notice(aws.read(answer(body), at: Self.now))
        #expect(notice.action == action && notice.left == left)
        #expect((notice.doubt != nil) == isDoubted)
    }

    @Test(
        "what is no answer is a failure, and no notice",
        arguments: [
            ("<html>", 200, nil), ("{}", 200, nil), ("", 200, nil), ("{\"action\":7}", 200, nil),
            (#"{"action":"explode","time":"2026-11-28T08:01:30Z"}"#, 200, nil),
            ("fault", 500, nil), ("slow down", 429, nil), ("", 0, "curl: (28) timed out"),
            (#"{"action":"terminate","#, 200, "curl: (18) transfer closed"),
        ] as [(String, Int, String?)])
    func garbage(body: String, status: Int, error: String?) {
        var readings: [NoticeReading] = []
        var aws = aws()
        readings.append(aws.read(answer(body, status: status, error: error), at: Self.now))
        var gcp = GCPNotices(base: "http://b", value: .preempted)
        let tagged = Inquiry.Answer(
            status: status, headers: ["etag": "1a"], body: body, error: error)
        readings.append(gcp.read(tagged, at: Self.now))
        var azure = azure()
        readings.append(azure.read(answer(body, status: status, error: error), at: Self.now))
        for reading in readings {
            guard case .failure(let message) = reading else {
                Issue.record("\(reading)")
                continue
            }
            #expect(message.unicodeScalars.count < 300)
        }
    }

    @Test("Google is asked once, and from then on waits with the tag of its last answer")
    func gcpInquiries() throws {
        var gcp = GCPNotices(base: "http://b", value: .preempted)
        let first = try requests(gcp.inquiry(paced: true))
        #expect(first.urls == ["http://b/computeMetadata/v1/instance/preempted"])
        #expect(first.headers == ["Metadata-Flavor: Google"] && gcp.interval == .zero)
        #expect(gcp.read(answer("FALSE", headers: ["etag": "ab12"]), at: Self.now) == .nothing)
        let second = try requests(gcp.inquiry(paced: true))
        #expect(
            second.urls == [
                "http://b/computeMetadata/v1/instance/preempted"
                    + "?wait_for_change=true&timeout_sec=300&last_etag=ab12"
            ])
        #expect(second.limit > .seconds(300) && gcp.interval == .seconds(1))
        let notice = try notice(gcp.read(answer("TRUE", headers: ["etag": "b"]), at: Self.now))
        #expect(notice.action == .terminate && notice.left == nil)
    }

    @Test(
        "maintenance that moves a machine asks for a checkpoint, and one that ends it ends the run",
        arguments: [
            ("MIGRATE_ON_HOST_MAINTENANCE", Notice.Action.checkpoint),
            ("TERMINATE_ON_HOST_MAINTENANCE", .stop),
        ])
    func gcpMaintenance(word: String, action: Notice.Action) throws {
        var gcp = GCPNotices(base: "http://b", value: .maintenance)
        let tag = ["etag": "1"]
        #expect(gcp.read(answer("NONE", headers: tag), at: Self.now) == .nothing)
        #expect(try notice(gcp.read(answer(word, headers: tag), at: Self.now)).action == action)
    }

    @Test("after an answer that was not understood Google is asked without waiting")
    func gcpGarbage() throws {
        var gcp = GCPNotices(base: "http://b", value: .preempted)
        let tag = ["etag": "1"]
        _ = gcp.read(answer("FALSE", headers: tag), at: Self.now)
        guard case .failure = gcp.read(answer("x", headers: tag), at: Self.now) else {
            throw Violation("test", "understood")
        }
        #expect(try requests(gcp.inquiry(paced: true)).urls[0].hasSuffix("/preempted"))
    }

    @Test("a tag that would change the request is not sent", arguments: ["", "a&b", "a b", "é"])
    func gcpTag(tag: String) throws {
        var gcp = GCPNotices(base: "http://b", value: .preempted)
        let reading = gcp.read(answer("FALSE", headers: ["etag": tag]), at: Self.now)
        #expect(reading == .failure("it gave no etag to wait with"))
        #expect(try requests(gcp.inquiry(paced: true)).urls[0].hasSuffix("/preempted"))
    }

    @Test("Azure is asked for the machine's name, then once with patience, then every second")
    func azureInquiries() throws {
        var azure = AzureNotices(base: "http://b", acknowledges: false)
        let name = try requests(azure.inquiry(paced: true))
        #expect(name.urls == ["http://b/metadata/instance?api-version=2021-02-01"])
        #expect(name.headers == ["Metadata: true"])
        #expect(azure.read(answer(#"{"compute":{"name":"vm-1"}}"#), at: Self.now) == .askAgain)
        let first = try requests(azure.inquiry(paced: true))
        #expect(first.urls == ["http://b/metadata/scheduledevents?api-version=2020-07-01"])
        #expect(first.limit >= .seconds(120))
        #expect(azure.read(answer(#"{"Events":[]}"#), at: Self.now) == .nothing)
        let next = try requests(azure.inquiry(paced: true))
        #expect(next.urls.count == 300 && next.spacing == .seconds(1) && next.limit < .seconds(5))
    }

    private func event(
        _ type: String, _ machines: String = #""vm-1""#, status: String = "Scheduled",
        notBefore: String = "Sat, 28 Nov 2026 08:00:40 GMT"
    ) -> Inquiry.Answer {
        answer(
            #"{"DocumentIncarnation":2,"Events":[{"EventId":"E1","EventType":"\#(type)","#
                + #""Resources":[\#(machines)],"EventStatus":"\#(status)","#
                + #""NotBefore":"\#(notBefore)"}]}"#)
    }

    @Test(
        "what Azure plans for this machine is told apart",
        arguments: [
            ("Preempt", Notice.Action.terminate), ("Terminate", .terminate),
            ("Redeploy", .terminate), ("Reboot", .stop), ("Freeze", .checkpoint),
        ])
    func azureEvents(type: String, action: Notice.Action) throws {
        var azure = azure()
        let notice = try notice(azure.read(event(type), at: Self.now))
        #expect(notice.action == action && notice.identity == "E1")
        #expect(notice.left == (action.endsRun ? .seconds(40) : nil))
    }

    @Test("what Azure plans for other machines, or is not known, is nothing")
    func azureOthers() {
        var azure = azure()
        #expect(azure.read(event("Preempt", #""vm-2","vm-10""#), at: Self.now) == .nothing)
        #expect(azure.read(event("Paint"), at: Self.now) == .nothing)
    }

    @Test("Azure's names are compared without case", arguments: ["vm-1", "VM-1", "Vm-1"])
    func azureCase(name: String) throws {
        var azure = azure()
        #expect(try notice(azure.read(event("Preempt", "\"\(name)\""), at: Self.now)).left != nil)
    }

    @Test("where Azure does not tell the machine's name every event counts, which is remarked")
    func azureNameless() throws {
        var azure = AzureNotices(base: "http://b", acknowledges: false)
        for _ in 0..<3 {
            #expect(try requests(azure.inquiry(paced: true)).urls[0].contains("/instance?"))
            _ = azure.read(answer("no", status: 404), at: Self.now)
        }
        #expect(try requests(azure.inquiry(paced: true)).urls[0].contains("/scheduledevents?"))
        #expect(azure.remark == nil)
        let told = try notice(azure.read(event("Preempt", #""vm-2""#), at: Self.now))
        #expect(told.action == .terminate && azure.remark != nil)
    }

    @Test("where nothing of Azure's answers, the name is asked for again")
    func azureSilent() throws {
        var azure = AzureNotices(base: "http://b", acknowledges: false)
        for _ in 0..<4 {
            _ = azure.inquiry(paced: true)
            _ = azure.read(timedOut, at: Self.now)
        }
        #expect(try requests(azure.inquiry(paced: true)).urls[0].contains("/instance?"))
    }

    @Test("Azure's events and Google's maintenance that tell no time have the grace of maintenance")
    func kinds() throws {
        var azure = azure()
        let reboot = try notice(azure.read(event("Reboot", notBefore: "soon"), at: Self.now))
        #expect(reboot.kind == .maintenance && reboot.left == nil)
        let preempt = try notice(azure.read(event("Preempt", notBefore: "soon"), at: Self.now))
        #expect(preempt.kind == .preempted)
        var gcp = GCPNotices(base: "http://b", value: .maintenance)
        let ends = answer("TERMINATE_ON_HOST_MAINTENANCE", headers: ["etag": "1"])
        #expect(try notice(gcp.read(ends, at: Self.now)).kind == .maintenance)
    }

    @Test("an event of Azure's that has started is now")
    func azureStarted() throws {
        var azure = azure()
        let started = event("Preempt", status: "Started", notBefore: "")
        #expect(try notice(azure.read(started, at: Self.now)).left == .zero)
    }

    @Test("an event of Azure's is acknowledged by its id, and only where that is wanted")
    func azureAcknowledgement() throws {
        let notice = Notice(action: .terminate, identity: "E1")
        #expect(azure().acknowledgement(of: notice) == nil)
        let inquiry = try #require(azure(acknowledges: true).acknowledgement(of: notice))
        let requests = try requests(inquiry)
        #expect(requests.method == "POST")
        #expect(requests.body == #"{"StartRequests":[{"EventId":"E1"}]}"#)
        #expect(requests.urls == ["http://b/metadata/scheduledevents?api-version=2020-07-01"])
        #expect(aws().acknowledgement(of: notice) == nil)
    }

    @Test(
        "a program says in a line of JSON when it is time",
        arguments: [
            (
                #"{"deadline_s":120,"action":"terminate"}"#, Notice.Action.terminate,
                Duration.seconds(120)
            ),
            (#"{"deadline_s":0.5,"action":"stop"}"#, .stop, .milliseconds(500)),
            (#"{"deadline_s":-3}"#, .terminate, .zero), (#"{}"#, .terminate, nil),
            (#"{"action":"checkpoint"}"#, .checkpoint, nil),
            (#"{"deadline_s":1e300}"#, .checkpoint, nil),
            (#"{"deadline_s":-1e9,"action":"stop"}"#, .checkpoint, nil),
        ] as [(String, Notice.Action, Duration?)])
    func programLines(line: String, action: Notice.Action, left: Duration?) throws {
        var program = program()
        let notice = try notice(program.read(.init(body: line), at: Self.now))
        #expect(notice.action == action && notice.left == left)
    }

    @Test("the word gone, or the action gone, withdraws; a recommendation says nothing of an end")
    func programGone() {
        var program = program()
        for line in ["gone", "  gone ", #"{"action":"gone"}"#] {
            #expect(program.read(.init(body: line), at: Self.now) == .nothing)
        }
        let reading = program.read(.init(body: #"{"action":"hibernate"}"#), at: Self.now)
        let saysNothing = if case .aside = reading { true } else { false }
        #expect(saysNothing, "it takes the place of an end")
    }

    @Test(
        "a line of a program that is no notice is passed over",
        arguments: ["hello", "[1]", "{\"action\":\"x\"}", "{\"deadline_s\":\"1\"}"])
    func programNonsense(line: String) {
        var program = program()
        guard case .ignored = program.read(.init(body: line), at: Self.now) else {
            Issue.record("\(line) means something")
            return
        }
    }
}
