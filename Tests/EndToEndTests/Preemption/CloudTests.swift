import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Against a stand-in for the clouds' metadata services that speaks as they do, and has their faults.
@Suite(
    "The metadata service of a cloud", .onStage,
    .enabled(if: MetadataService.isThere, "there is no stand-in for the clouds here"))
struct CloudTests {
    enum Cloud: String, CaseIterable, Sendable {
        case aws, gcp, azure

        /// In the path of what it is asked again and again.
        var question: String {
            switch self {
            case .aws: "instance-action"
            case .gcp: "instance/preempted"
            case .azure: "scheduledevents"
            }
        }
    }

    /// A job whose supervisor watches for notices, and has asked.
    private func watched(
        _ cloud: Cloud, _ place: Place, _ service: MetadataService, _ options: [String] = []
    ) throws -> Program {
        let program = try place.puppet(
            ["--preempt", cloud.rawValue, "--checkpoint-every", "off"] + options,
            environment: service.environment)
        try program.hello()
        try waitForChange(in: "\(place.state)/it") {
            try place.status().preemption?.sources.allSatisfy { $0.state == .watching } == true
        }
        return program
    }

    /// Answers the final request and ends.
    @discardableResult
    private func save(_ program: Program) throws -> CheckpointRequest {
        var request = try program.request()
        // AWS recommends to leave a machine that it takes away, too.
        if !request.final { request = try program.request() }
        try program.checkpoint(step: 7, request: request.request)
        #expect(try program.received().contains(#""type":"stop""#))
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .exited(75))
        return request
    }

    @Test(
        "a notice asks for the final checkpoint, and the run ends before the machine",
        arguments: Cloud.allCases)
    func notice(cloud: Cloud) throws {
        let place = try Place()
        let service = try MetadataService(place)
        let program = try watched(cloud, place, service)
        try service.control("arm?notice=40")
        let request = try save(program)
        #expect(request.reason == .preemption && request.final)
        let seconds = try #require(request.deadline)
        #expect(seconds > 15 && seconds < 40, "\(seconds)")
        let notice = try #require(try place.status().preemption?.notice)
        #expect(notice.source == cloud.rawValue && notice.action == "terminate")
        #expect(try place.status().updated < notice.deadline)
    }

    private static let faults: [(Cloud, String)] =
        Cloud.allCases.flatMap { cloud in
            ["status&arg=500", "status&arg=429", "garbage", "truncate", "reset", "empty"]
                .map { (cloud, $0) }
        } + [(.aws, "expire"), (.aws, "status&arg=401"), (.aws, "hang"), (.azure, "slow&arg=1")]

    @Test("a fault is told at most once and hides no notice", arguments: faults)
    func fault(cloud: Cloud, kind: String) throws {
        let place = try Place()
        let service = try MetadataService(place)
        try service.control("fault?kind=\(kind)&count=2&path=\(cloud.question)")
        let program = try watched(cloud, place, service)
        try service.control("arm?notice=40")
        try save(program)
        let told = program.lines(.errors).filter { $0.contains("--preempt \(cloud.rawValue): ") }
        #expect(told.count <= 2, "\(told)")
    }

    @Test("a token that is forgotten is replaced, and not sent again")
    func tokens() throws {
        let place = try Place()
        let service = try MetadataService(place)
        let program = try watched(.aws, place, service)
        try service.control("fault?kind=expire&count=1&path=meta-data")
        try service.wait(for: 2, of: "api/token")
        try service.control("arm?notice=40")
        try save(program)
        // A machine at its limits may be too slow for an answer, which is told.
        #expect(program.lines(.errors).allSatisfy { !$0.contains("401") })
    }

    @Test(
        "what does not end the machine asks for a checkpoint, and the job goes on",
        arguments: [
            (Cloud.aws, "rebalance"), (.aws, "arm?action=hibernate"),
            (.azure, "arm?action=hibernate"),
        ])
    func goesOn(cloud: Cloud, what: String) throws {
        let place = try Place()
        let service = try MetadataService(place)
        let program = try watched(cloud, place, service)
        try service.control(what)
        let request = try program.request()
        #expect(request.reason == .preemption && !request.final && request.deadline == nil)
        try program.checkpoint(step: 1, request: request.request)
        #expect(try place.status().phase == .running)
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .exited(0))
    }

    @Test("a machine that is only switched off is told from one that is gone")
    func switchedOff() throws {
        let place = try Place()
        let service = try MetadataService(place)
        let program = try watched(.aws, place, service)
        try service.control("arm?action=stop&notice=40")
        try program.errorLine(with: "aws: this machine is switched off in")
        try save(program)
        #expect(try place.status().preemption?.notice?.action == "stop")
    }

    @Test(
        "a moment that has long passed is told once, saved, and ends nothing",
        arguments: [Cloud.aws, .azure])
    func stale(cloud: Cloud) throws {
        let place = try Place()
        let service = try MetadataService(place)
        let program = try watched(cloud, place, service)
        try service.control("fault?kind=stale&path=\(cloud.question)")
        try service.control("arm?notice=40")
        let request = try program.request()
        #expect(!request.final)
        try program.checkpoint(step: 1, request: request.request)
        let before = try service.requests().count
        try service.wait(for: before + 2, of: "")
        #expect(try place.status().phase == .running)
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .exited(0))
        let told = program.lines(.errors).filter { $0.contains("s ago") }
        #expect(told.count == 1, "\(told)")
    }

    @Test(
        "Azure is told when all is saved, and only where that is wanted", arguments: [true, false])
    func acknowledgement(isWanted: Bool) throws {
        let place = try Place()
        let service = try MetadataService(place)
        let program = try watched(.azure, place, service, isWanted ? ["--preempt-ack"] : [])
        try service.control("arm?notice=60")
        let request = try program.request()
        #expect(try service.requests().allSatisfy { $0.method == "GET" })
        try program.checkpoint(step: 7, request: request.request)
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .exited(75))
        let posts = try service.requests().filter { $0.method == "POST" }
        #expect(posts.count == (isWanted ? 1 : 0))
        #expect(posts.allSatisfy { $0.body.hasPrefix(#"{"StartRequests":[{"EventId":""#) })
    }

    @Test("with a curl that knows no pace it is asked all the same")
    func oldCurl() throws {
        let place = try Place()
        let service = try MetadataService(place)
        let script = """
            #!/bin/sh
            case " $* " in
            *" --rate "*) echo "curl: option --rate: is unknown" >&2; exit 2;;
            esac
            PATH=${PATH#*:} exec curl "$@"
            """
        let bin = try place.directory.makeDirectory("bin")
        try place.directory.write("bin/curl", script)
        #expect(try place.start(["chmod", "755", "bin/curl"]).waitForEnd() == .exited(0))
        place.environment["PATH"] = "\(bin):\(place.environment["PATH"] ?? "")"
        let program = try watched(.azure, place, service)
        try service.wait(for: 3, of: "scheduledevents")
        try service.control("arm?notice=40")
        try save(program)
        #expect(!program.text(.errors).contains("--preempt azure"))
    }

    @Test("an answer of a terabyte is cut off, and the job is left alone")
    func endless() throws {
        let place = try Place()
        let server = """
            import socket, sys
            s = socket.create_server(("127.0.0.1", 0)); print("port", s.getsockname()[1], flush=True)
            while True:
                c, _ = s.accept()
                try:
                    c.recv(4096); c.sendall(b"HTTP/1.1 200 OK\\r\\nETag: 1\\r\\n\\r\\n")
                    while True: c.sendall(b"x" * 65536)
                except OSError: print("cut off", flush=True)
            """
        let endless = try place.start(["python3", "-c", server])
        let port = try endless.line(starting: "port ").dropFirst(5)
        let program = try place.puppet(
            ["--preempt", "gcp"], environment: ["GCE_METADATA_HOST": "127.0.0.1:\(port)"])
        for _ in 0..<3 { try endless.line(starting: "cut off") }
        #expect(try place.status().preemption?.sources.allSatisfy { $0.state == .failing } == true)
        try place.stop(program)
    }
}
