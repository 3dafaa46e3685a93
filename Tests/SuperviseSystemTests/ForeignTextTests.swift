import SuperviseSystem
import Testing

@Suite("Texts of others")
struct ForeignTextTests {
    @Test(
        "come back byte by byte, UTF-8 or not",
        arguments: [
            [], Array("plain".utf8), Array("ü € 😀".utf8), [0xff], [0x61, 0xff, 0x62, 0x80],
            [0xc3], [0xc3, 0xbc, 0xc3], [0xed, 0xa0, 0x80], [0xf4, 0x8f, 0xbf, 0xbf],
            [0xf4, 0x8f, 0xbe, 0x80, 0xfe], [0xc0, 0xaf], Array("e\u{301}".utf8),
        ] as [[UInt8]])
    func roundTrip(bytes: [UInt8]) {
        #expect(ForeignText.bytes(ForeignText.text(bytes)) == bytes)
    }

    @Test("that are UTF-8 are what they look like")
    func plain() {
        #expect(ForeignText.text(Array("ü\u{10FF00}".utf8)) == "ü\u{10FF00}")
    }
}
