import SuperviseFormats
import Testing

@Suite("Timestamps")
struct TimestampTests {
    @Test(
        "known moments are written and read",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_123, "2000-03-01T00:00:00.123Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (4_107_456_000_000, "2100-02-28T00:00:00.000Z"),
            (1_795_237_441_123, "2026-11-21T05:04:01.123Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
        ] as [(Int64, String)])
    func known(milliseconds: Int64, text: String) {
        #expect(Timestamp(milliseconds: milliseconds).description == text)
        #expect(Timestamp(text) == Timestamp(milliseconds: milliseconds))
    }

    @Test("every day of four centuries comes back, and follows the one before")
    func everyDay() {
        var expected = (year: 1900, month: 1, day: 1)
        var milliseconds: Int64 = -2_208_988_800_000
        for _ in 0..<146_097 {
            let timestamp = Timestamp(milliseconds: milliseconds)
            let date =
                padded(Int64(expected.year), 4) + "-" + padded(Int64(expected.month), 2) + "-"
                + padded(Int64(expected.day), 2)
            let text = timestamp.description
            guard text.hasPrefix(date), Timestamp(text) == timestamp else {
                Issue.record("\(milliseconds) is \(text), not \(date)")
                return
            }
            expected = Self.dayAfter(expected)
            milliseconds += 86_400_000
        }
        #expect(expected == (2300, 1, 1))
    }

    private static func dayAfter(
        _ date: (year: Int, month: Int, day: Int)
    ) -> (year: Int, month: Int, day: Int) {
        let isLeap = date.year % 4 == 0 && (date.year % 100 != 0 || date.year % 400 == 0)
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        if date.day < days[date.month - 1] { return (date.year, date.month, date.day + 1) }
        return date.month < 12 ? (date.year, date.month + 1, 1) : (date.year + 1, 1, 1)
    }

    @Test("random moments come back")
    func random() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<5_000 {
            let bounds: ClosedRange<Int64> = -62_135_596_800_000...253_402_300_799_999
            let timestamp = Timestamp(milliseconds: .random(in: bounds, using: &generator))
            #expect(Timestamp(timestamp.description) == timestamp)
        }
    }

    @Test("a fraction may have up to nine digits, of which three count")
    func fractions() {
        let second: Int64 = 1_000
        #expect(Timestamp("1970-01-01T00:00:01Z")?.milliseconds == second)
        #expect(Timestamp("1970-01-01T00:00:01.5Z")?.milliseconds == second + 500)
        #expect(Timestamp("1970-01-01T00:00:01.123456789Z")?.milliseconds == second + 123)
    }

    @Test(
        "what is no time in UTC is refused",
        arguments: [
            "", "Z", "2026-11-21", "2026-11-21T05:04:01", "2026-11-21T05:04:01+01:00",
            "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z",
            "2026-04-31T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z", "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00.1234567890Z", "2026-01-01T00:00:00,5Z", "2026-01-01 00:00:00Z",
            "٢٠٢٦-01-01T00:00:00Z", "+026-01-01T00:00:00Z",
        ])
    func refused(text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test("moments are compared, and moved by seconds")
    func arithmetic() {
        let one = Timestamp(milliseconds: 1_000)
        let two = one.advanced(bySeconds: 1.5)
        #expect(two.milliseconds == 2_500 && one < two)
        #expect(two.seconds(since: one) == 1.5 && one.seconds(since: two) == -1.5)
    }
}
