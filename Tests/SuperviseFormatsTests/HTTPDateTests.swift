import SuperviseFormats
import Testing

@Suite("A time as HTTP writes it")
struct HTTPDateTests {
    @Test("is read as the moment that it is")
    func good() {
        #expect(
            HTTPDate.parse("Sat, 11 Apr 2026 22:26:58 GMT")
                == Timestamp("2026-04-11T22:26:58Z"))
        #expect(
            HTTPDate.parse("Tue, 29 Feb 2028 00:00:00 GMT") == Timestamp("2028-02-29T00:00:00Z"))
    }

    @Test(
        "is none where a part is missing or wrong",
        arguments: [
            "", "2026-04-11T22:26:58Z", "Sat 11 Apr 2026 22:26:58 GMT",
            "Sat, 31 Apr 2026 22:26:58 GMT", "Sat, 11 apr 2026 22:26:58 GMT",
            "Sat, 11 Apr 2026 22:26 GMT", "Sat, 11 Apr 2026 22:26:58 CET",
            "Sat, 11 Apr 99 22:26:58 GMT", "Sat, -1 Apr 2026 22:26:58 GMT",
        ])
    func bad(text: String) {
        #expect(HTTPDate.parse(text) == nil)
    }
}
