import Testing

@testable import SuperviseFormats

@Suite("A name that systemd-escape has written")
struct EscapedNameTests {
    @Test(
        "is read back",
        arguments: [
            (#"my\x2drun"#, "my-run"), (#"a\x20b"#, "a b"), (#"\xc3\xa9"#, "é"),
            (#"a\x5cb"#, #"a\b"#), (#"\x2erun"#, ".run"),
        ])
    func plain(escaped: String, name: String) {
        #expect(EscapedName.plain(escaped) == name)
    }

    @Test(
        "is told from one without escapes",
        arguments: ["my-run", #"a\b"#, #"a\x2"#, #"a\xzz"#, "", "x2d"])
    func none(name: String) {
        #expect(EscapedName.plain(name) == nil)
    }
}
