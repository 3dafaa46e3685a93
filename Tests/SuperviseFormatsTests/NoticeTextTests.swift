import SuperviseFormats
import Testing

@Suite("Notices of a job")
struct NoticeTextTests {
    @Test(
        "are read line by line, and what is none of ours is passed over",
        arguments: [
            ("READY=1", [JobNotice.ready]),
            ("READY=1\nSTATUS=half way\n", [.ready, .status("half way")]),
            ("WATCHDOG=1", [.alive]), ("STOPPING=1\nMAINPID=7", [.stopping]),
            ("STATUS=", [.status("")]), ("STATUS=a=b", [.status("a=b")]),
            ("READY=0", []), ("READY", []), ("WATCHDOG=trigger", []), ("watchdog=1", []),
            ("\n\n", []), ("", []), ("X_MINE=1\nWATCHDOG=1\nFDSTORE=1", [.alive]),
        ])
    func read(text: String, notices: [JobNotice]) {
        #expect(JobNotice.read(Array(text.utf8)) == notices)
    }

    @Test("that are garbage are none")
    func garbage() {
        #expect(JobNotice.read([0xff, 0, 0xfe, 10, 0x80]) == [])
        #expect(JobNotice.read(Array("STATUS=".utf8) + [0xff]) == [.status("\u{fffd}")])
    }
}
