import SuperviseFormats
import Testing

@Suite("Durations and sizes")
struct TextTests {
    @Test(
        "durations are read as people write them",
        arguments: [
            ("500ms", 500), ("10s", 10_000), ("5m", 300_000), ("2h", 7_200_000),
            ("1d", 86_400_000), ("1.5h", 5_400_000), ("0ms", 0), ("0s", 0), ("0.5ms", 1),
            ("36525d", 3_155_760_000_000),
        ] as [(String, Int64)])
    func durations(text: String, milliseconds: Int64) {
        #expect(DurationText.parse(text) == .milliseconds(milliseconds))
    }

    @Test(
        "what is no duration is refused",
        arguments: [
            "", "s", "10", "10 s", "-1s", "+1s", ".5s", "5.s", "1.2.3s", "10S", "10sec", "1e3s",
            "1h30m", "36526d", "99999999999999999999d", "nan", "infs", "١٠s",
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
            ("512", 512), ("0", 0), ("10kB", 10_000), ("10KB", 10_000), ("10MB", 10_000_000),
            ("5GiB", 5_368_709_120), ("1.5KiB", 1536), ("7B", 7), ("8TiB", 8_796_093_022_208),
        ] as [(String, Int64)])
    func sizes(text: String, bytes: Int64) {
        #expect(SizeText.parse(text) == bytes)
    }

    @Test(
        "what is no size is refused",
        arguments: ["", "B", "10 MB", "-1", "1mb", "1e3", ".5GB", "9999999999TiB", "10M"])
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
}
