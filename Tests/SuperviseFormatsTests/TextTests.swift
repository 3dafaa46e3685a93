import SuperviseFormats
import Testing

@Suite("Durations and sizes")
struct TextTests {
    @Test(
        "durations are read as people write them",
        arguments: [
            ("500ms", 500), ("10s", 10_000), ("5m", 300_000), ("2h", 7_200_000),
            ("1d", 86_400_000), ("1.5h", 5_400_000), ("0ms", 0), ("0s", 0), ("0.5ms", 1),
            ("36525d", 3_155_760_000_000), ("2m03s", 123_000), ("1h30m", 5_400_000),
            ("10min", 600_000), ("10 min", 600_000), ("10 s", 10_000), ("10sec", 10_000),
            ("1d00h", 86_400_000), ("1h 30m", 5_400_000), ("1h30.5s", 3_630_500),
            ("2 hours 5 minutes", 7_500_000), ("1d2h3m4s5ms", 93_784_005),
        ] as [(String, Int64)])
    func durations(text: String, milliseconds: Int64) {
        #expect(DurationText.parse(text) == .milliseconds(milliseconds))
    }

    @Test(
        "what is no duration is refused",
        arguments: [
            "", "s", "10", "10  s", "-1s", "+1s", ".5s", "5.s", "1.2.3s", "10S", "10secx", "1e3s",
            "30m1h", "1m1m", "1.5h30m", "1h30", "1h ", " 1h", "36526d", "36525d1ms",
            "99999999999999999999d", "nan", "infs", "١٠s",
        ])
    func noDurations(text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test("durations are written in the largest unit that is exact, and come back")
    func formatted() {
        #expect(DurationText.format(.milliseconds(500)) == "500ms")
        #expect(DurationText.format(.seconds(90)) == "90s")
        #expect(DurationText.format(.seconds(3600)) == "1h")
        #expect(DurationText.format(.zero) == "0s")
        for milliseconds: Int64 in [1, 999, 1000, 61_000, 86_400_000, 90_061_001] {
            let duration = Duration.milliseconds(milliseconds)
            #expect(DurationText.parse(DurationText.format(duration)) == duration)
        }
    }

    @Test(
        "sizes are read in powers of 1000 and of 1024",
        arguments: [
            ("512B", 512), ("0", 0), ("0 B", 0), ("10kB", 10_000), ("10KB", 10_000),
            ("10MB", 10_000_000), ("10 MB", 10_000_000), ("5G", 5_000_000_000),
            ("5gb", 5_000_000_000), ("1mb", 1_000_000), ("10M", 10_000_000), ("2Ki", 2048),
            ("2kib", 2048), ("1.5P", 1_500_000_000_000_000), ("512b", 512),
            ("5GiB", 5_368_709_120), ("1.5KiB", 1536), ("7B", 7), ("8TiB", 8_796_093_022_208),
        ] as [(String, Int64)])
    func sizes(text: String, bytes: Int64) {
        #expect(SizeText.parse(text) == bytes)
    }

    @Test(
        "what is no size is refused",
        arguments: [
            "", "B", "512", "00", "10  MB", "-1", "-1B", "1e3", ".5GB", "9999999999TiB", "10X",
            "10iB", "10Bi", "10MBB", "10MB ", "5GiBB",
        ])
    func noSizes(text: String) {
        #expect(SizeText.parse(text) == nil)
    }

    @Test("sizes are shown with two or three digits")
    func shown() {
        let shown: [(Int64, String)] = [
            (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (9_949, "9.9 kB"), (51_234, "51 kB"),
            (999_499, "999 kB"), (999_500, "1.0 MB"), (1_234_567_890, "1.2 GB"),
        ]
        for (bytes, text) in shown { #expect(SizeText.format(bytes) == text) }
    }

    /// Each number of digits, and what is about to be rounded into the next unit.
    private static let amounts: [Int64] = {
        var numbers = SystemRandomNumberGenerator()
        let edges = (0...17).flatMap { power -> [Int64] in
            let ten = (0..<power).reduce(Int64(1)) { result, _ in result * 10 }
            return [ten - 1, ten, ten + ten / 2, ten * 9 + ten / 10 * 9, ten / 1000 * 9995]
        }
        let random = (0..<2000).map { _ in
            Int64.random(in: 0...(Int64.max >> Int64.random(in: 5...60, using: &numbers)))
        }
        return edges.filter { $0 >= 0 } + random
    }()

    @Test("every size that is printed is read, and is printed the same again")
    func everySizeIsRead() throws {
        for bytes in Self.amounts {
            let text = SizeText.format(bytes)
            let read = try #require(SizeText.parse(text), "\(text)")
            #expect(SizeText.format(read) == text)
            #expect(abs(Double(read) - Double(bytes)) <= Double(bytes) * 0.06, "\(text)")
        }
    }

    @Test("every duration that is printed is read, and stays the same when it is printed again")
    func everyDurationIsRead() throws {
        let forms: [(Double) -> String] = [
            DurationText.length, DurationText.age, DurationText.limit,
            { DurationText.format(.milliseconds(Int64(($0 * 1000).rounded()))) },
        ]
        for milliseconds in Self.amounts where milliseconds < 3_155_760_000_000 {
            let seconds = Double(milliseconds) / 1000
            for form in forms {
                let text = form(seconds)
                let read = try #require(DurationText.parse(text), "\(text)")
                #expect(DurationText.parse(form(read.seconds)) == read, "\(text)")
            }
        }
    }
}
