import SuperviseCore
import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@testable import SuperviseHost

/// What a service manager hears of us.
@Suite("Service link")
struct ServiceLinkTests {
    private let diary: Diary
    private let place: TemporaryDirectory

    init() throws {
        diary = try Diary()
        place = try TemporaryDirectory()
    }

    private func link(_ address: String) -> ServiceLink {
        ServiceLink(address, on: diary.loop) { [diary] in diary.note($0) }
    }

    private func heard(_ manager: NoticeSocket) throws -> String? {
        try manager.receive().map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    @Test("each notice has its name")
    func names() throws {
        let manager = try NoticeSocket(path: "\(place.path)/n")
        let link = link(manager.path)
        link.tell(.ready)
        #expect(try heard(manager) == "READY=1")
        link.tell(.alive)
        #expect(try heard(manager) == "WATCHDOG=1")
        link.tell(.stopping)
        #expect(try heard(manager) == "STOPPING=1")
        link.tell(.extend(.milliseconds(72_000)))
        #expect(try heard(manager) == "EXTEND_TIMEOUT_USEC=72000000")
    }

    @Test("what is not taken at once waits, the newest of each kind, and then goes out")
    func waits() throws {
        let manager = try NoticeSocket(path: "\(place.path)/n")
        let link = link(manager.path)
        let crowd = try ServiceSocket(address: manager.path)
        while try crowd.send("X=1") {}
        link.tell(.ready)
        link.tell(.alive)
        link.tell(.extend(.seconds(1)))
        link.tell(.extend(.seconds(2)))
        let watch = try diary.loop.watch(manager.descriptor, for: .read) { [diary] _ in
            // As the manager may be told once more than there is something.
            while let text = try? heard(manager) { if text != "X=1" { diary.note(text) } }
        }
        try diary.wait(for: "READY=1\nWATCHDOG=1\nEXTEND_TIMEOUT_USEC=2000000")
        diary.loop.cancel(watch)
        #expect(diary.lines.count == 1)
    }

    @Test("a manager that is started anew is found again")
    func again() throws {
        let path = "\(place.path)/n"
        let link: ServiceLink
        do {
            let first = try NoticeSocket(path: path)
            link = self.link(path)
            link.tell(.ready)
            #expect(try heard(first) == "READY=1")
        }
        let second = try NoticeSocket(path: path)
        link.tell(.alive)
        #expect(try heard(second) == "WATCHDOG=1")
        #expect(diary.lines == [])
    }

    @Test("one that is not there is told of once")
    func nobody() throws {
        let link = link("\(place.path)/none")
        link.tell(.ready)
        link.tell(.alive)
        #expect(diary.lines.count == 1)
        #expect(diary.lines.first?.contains("none: No such file or directory; the job") == true)
    }

    @Test("the place and the watchdog come from our environment, where they are meant for us")
    func find() {
        let socket = ("NOTIFY_SOCKET", "/run/n")
        func found(_ more: (String, String)...) -> ServicePlace? {
            ServicePlace.find(in: [socket] + more, process: 7)
        }
        #expect(ServicePlace.find(in: [("WATCHDOG_USEC", "5")], process: 7) == nil)
        #expect(ServicePlace.find(in: [("NOTIFY_SOCKET", "")], process: 7) == nil)
        #expect(found()?.manager == ServiceManager())
        let limit = ("WATCHDOG_USEC", "3000000")
        #expect(found(limit)?.manager.watchdog == .seconds(3))
        #expect(found(limit, ("WATCHDOG_PID", "7"))?.manager.watchdog == .seconds(3))
        #expect(found(limit, ("WATCHDOG_PID", "8"))?.manager.watchdog == nil)
        #expect(found(("WATCHDOG_USEC", "0"))?.manager.watchdog == nil)
        #expect(found(("WATCHDOG_USEC", "x"))?.manager.watchdog == nil)
    }

    @Test("the status is one line that stays true for hours")
    func status() {
        var status = Status(
            name: "it", phase: .running, command: ["job"], supervisorPID: 1, attempt: 2,
            started: Timestamp(milliseconds: 0), updated: Timestamp(milliseconds: 0))
        #expect(StatusLine.ofService(status) == "running, attempt 2")
        status.progress = .init()
        status.progress.step = 45
        status.progress.total = 100
        status.progress.unit = "batches"
        status.progress.fraction = 0.45
        status.progress.message = "warm\nup"
        status.failures = 1
        #expect(
            StatusLine.ofService(status)
                == "running, attempt 2, batches 45/100, 45 %, 1 failure, warm\\nup")
        status.phase = .finished
        status.outcome = Outcome(kind: .failed, exitCode: 7)
        status.progress = .init()
        #expect(StatusLine.ofService(status) == "failed (exit status 7), attempt 2, 1 failure")
    }
}
