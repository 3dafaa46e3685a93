import SuperviseFormats
import Testing

@testable import SuperviseCore

@Suite("What was inherited for the job")
struct InheritedDescriptorTests {
    @Test("is held over restarts, and closed once when the end is decided")
    func end() {
        var desk = Desk()
        desk.endsAtOnce = false
        desk.run()
        #expect(!desk.tell(.jobExited(.exited(1))).contains(.closeInherited))
        #expect(!desk.tell(.descendantsGone).contains(.closeInherited))
        desk.restart()
        desk.tell(.jobExited(.exited(0)))
        #expect(desk.tell(.descendantsGone).contains(.closeInherited))
        #expect(!desk.tell(.lastRecorded).contains(.closeInherited))
    }

    @Test("is closed when a stop is asked for, while the job still saves")
    func stop() {
        var desk = Desk()
        desk.run()
        #expect(desk.tell(sigterm).contains(.closeInherited))
        #expect(!desk.tell(sigterm, after: .seconds(1)).contains(.closeInherited))
    }

    @Test("is held while the job is only started again")
    func restart() {
        var desk = Desk()
        desk.run()
        #expect(!desk.control("restart").contains(.closeInherited))
        desk.tell(.jobExited(.exited(0)))
        #expect(!desk.tell(.descendantsGone).contains(.closeInherited))
    }
}
