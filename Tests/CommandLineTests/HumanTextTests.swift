import SuperviseHost
import Testing
import SuperviseText

@Suite("numbers and texts for people")
struct HumanTextTests {
    @Test(
        "a length of time has the precision that matters",
        arguments: [
            (0, "0 ms"), (0.0004, "0 ms"), (0.004, "4 ms"), (0.0994, "99 ms"), (0.0996, "0.1 s"),
            (0.7, "0.7 s"), (1, "1.0 s"), (9.1, "9.1 s"), (9.96, "10 s"), (52.4, "52 s"),
            (59.6, "1m00s"), (200, "3m20s"), (-1, "0 ms"),
        ] as [(Double, String)])
    func duration(seconds: Double, text: String) {
        #expect(HumanText.duration(seconds) == text)
    }

    @Test(
        "an age has its two largest units",
        arguments: [
            (0, "0 s"), (8.4, "8 s"), (59.4, "59 s"), (59.5, "1m00s"), (192, "3m12s"),
            (3599.4, "59m59s"), (3600, "1h00m"), (7500, "2h05m"), (86_399, "23h59m"),
            (86_400, "1d00h"), (400 * 86_400.0, "400d00h"), (-5, "0 s"),
        ] as [(Double, String)])
    func age(seconds: Double, text: String) {
        #expect(HumanText.age(seconds) == text)
    }

    @Test(
        "a limit is told as it was probably written",
        arguments: [
            (0.5, "0.5 s"), (1, "1 s"), (60, "60 s"), (90, "90 s"), (300, "5 min"),
            (5400, "90 min"), (9000, "2h30m"), (150, "2m30s"), (1.5, "1.5 s"), (0, "0 ms"),
        ] as [(Double, String)])
    func limit(seconds: Double, text: String) {
        #expect(HumanText.limit(seconds) == text)
    }

    @Test(
        "a rate has the unit that gives a number one can read",
        arguments: [
            (0.11, "0.11/s"), (3.2, "3.2/s"), (1234.4, "1234/s"), (0.08, "4.8/min"),
            (0.0005, "1.8/h"), (0, "0/h"),
        ] as [(Double, String)])
    func rate(perSecond: Double, text: String) {
        #expect(HumanText.rate(perSecond: perSecond) == text)
    }

    @Test(
        "a percentage is 100 only where all is done",
        arguments: [
            (0.0, 0, "0 %"), (0.451, 0, "45 %"), (0.999, 0, "99 %"), (1, 0, "100 %"),
            (0.98901, 1, "98.9 %"), (0.99999, 1, "99.9 %"), (1, 1, "100.0 %"),
        ] as [(Double, Int, String)])
    func percent(fraction: Double, decimals: Int, text: String) {
        #expect(HumanText.percent(fraction, decimals: decimals) == text)
    }

    @Test(
        "a bar is full only where all is done",
        arguments: [
            (0.0, "░░░░"), (0.24, "░░░░"), (0.25, "█░░░"), (0.999, "███░"), (1, "████"),
            (7, "████"),
            (-1, "░░░░"), (.nan, "░░░░"),
        ] as [(Double, String)])
    func bar(fraction: Double, text: String) {
        #expect(HumanText.bar(fraction, width: 4) == text)
    }

    @Test("a bar can be drawn with plain characters")
    func plainBar() {
        #expect(HumanText.bar(0.5, width: 4, ascii: true) == "##..")
    }

    @Test(
        "a number has three digits that matter",
        arguments: [
            (0.213, "0.213"), (0.2126, "0.213"), (0.9996, "1"), (1.5, "1.5"), (12.345, "12.3"),
            (123.45, "123"), (1234.5, "1235"), (0, "0"), (-0.5, "-0.5"), (0.00123, "0.00123"),
            (0.0001, "0.0001"), (0.00001234, "1.23e-05"), (9.999e-7, "1e-06"), (2e20, "2e+20"),
            (-3e-9, "-3e-09"), (-0.0, "0"), (100, "100"), (1e9, "1000000000"),
        ] as [(Double, String)])
    func number(value: Double, text: String) {
        #expect(HumanText.number(value) == text)
    }

    @Test("what others wrote cannot move the cursor")
    func printable() {
        #expect(HumanText.printable("é 日本 🙂") == "é 日本 🙂")
        #expect(HumanText.printable("a\u{1B}[2Jb\nc\td\u{9B}e") == "a\\u{1b}[2Jb\\nc\\td\\u{9b}e")
        #expect(HumanText.printable("a\u{202E}b") == "a\\u{202e}b")
    }

    @Test("a command can be typed as it is shown")
    func commandLine() {
        #expect(
            HumanText.commandLine(["python3", "my train.py", "", "it's", "--a=b", "$x"])
                == "python3 'my train.py' '' 'it'\\''s' --a=b '$x'")
    }

    @Test("one is no plural")
    func count() {
        #expect(HumanText.count(1, "checkpoint") == "1 checkpoint")
        #expect(HumanText.count(0, "checkpoint") == "0 checkpoints")
        #expect(HumanText.count(2, "checkpoint") == "2 checkpoints")
    }
}
