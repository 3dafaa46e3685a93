import SuperviseCore
import SuperviseFormats
import Testing

@Suite("What --watch and --resume-args say")
struct WatchPatternTests {
    @Test(
        "names fit as in a shell",
        arguments: [
            ("*", "ckpt", true), ("*", ".hidden", false), (".*", ".hidden", true),
            ("ckpt-*.pt", "ckpt-450.pt", true), ("ckpt-*.pt", "ckpt-450.pt.tmp", false),
            ("*a*b*c", "xxaxxbxxc", true), ("*a*b*c", "xxaxxcxxb", false), ("?.pt", "1.pt", true),
            ("?.pt", ".pt", false), ("[0-9].pt", "5.pt", true), ("[!0-9].pt", "5.pt", false),
            ("[]a].pt", "].pt", true), ("[a.pt", "[a.pt", true), ("\\*.pt", "*.pt", true),
            ("\\*.pt", "a.pt", false), ("ü*", "über", true), ("\u{301}*", "\u{301}x", true),
            ("*", "\u{301}x", true), ("caf\u{E9}", "cafe\u{301}", false), ("", "", true),
            ("**", "", true),
        ])
    func fits(pattern: String, name: String, isFitting: Bool) {
        #expect(NamePattern(pattern).fits(name) == isFitting)
    }

    @Test("a long name and many stars take no long time")
    func manyStars() {
        let pattern = NamePattern(String(repeating: "*a", count: 40) + "b")
        #expect(!pattern.fits(String(repeating: "a", count: 5_000)))
    }

    @Test("a slash before a combining mark parts a pattern, and makes it an absolute one")
    func combiningMark() throws {
        let pattern = try #require(WatchPattern("/\u{301}out/\u{301}*"))
        #expect(pattern.isAbsolute)
        #expect(pattern.parts.map(\.literal) == ["\u{301}out", nil])
    }

    @Test("a pattern that nothing can fit is none", arguments: ["", "/", "out/", "out/..", "a\0b"])
    func refused(text: String) {
        #expect(WatchPattern(text) == nil)
    }

    @Test(
        "the step is the number behind the word, else the last whole one",
        arguments: [
            ("out/ckpt-*.pt", "/w/out/ckpt-000450.pt", 450),
            ("out/ckpt-*.h5", "/w/out/ckpt-12.h5", 12),
            ("out/*", "/w/out/checkpoint-500", 500),
            ("out/*.ckpt", "/w/out/epoch=3-step=1200-val_loss=0.31.ckpt", 1200),
            ("out/*.ckpt", "/w/out/epoch=3-val_loss=0.31.ckpt", 3),
            ("out/*", "/w/out/global_step7_rank0.pt", 7),
            ("out/*", "/w/out/model.ckpt-450", 450),
            ("out/*.tar.gz", "/w/out/state-8.tar.gz", 8),
            ("out/*/model2.pt", "/w/out/step-9/model2.pt", 9),
            ("out/run3/*.pt", "/w/out/run3/last.pt", nil), ("out/m1.pt", "/w/out/m1.pt", nil),
            ("*", "/w/99999999999999999999", nil), ("\u{301}*/*", "/w/\u{301}a/\u{301}step-7", 7),
        ] as [(String, String, Int64?)])
    func step(pattern: String, path: String, step: Int64?) {
        #expect(WatchPattern(pattern)?.step(in: FilePath(path)) == step)
    }

    @Test(
        "words are split as a shell does, and nothing is expanded",
        arguments: [
            ("--resume {checkpoint}", ["--resume", "/c/data/m.pt"]),
            ("  --from='{id} {step}'  x", ["--from=000007-step-42 42", "x"]),
            ("\"a b\"c 'd\\e' f\\ g \"h\\\"i\\j\"", ["a bc", "d\\e", "f g", "h\"i\\j"]),
            ("'' $HOME *", ["", "$HOME", "*"]), ("{other}{step}", ["{other}42"]),
        ])
    func words(text: String, words: [String]) {
        let summary = CheckpointSummary(
            id: checkpoint(7, step: 42), created: .zero, bytes: 1, metrics: [:],
            path: "/c/data/m.pt")
        #expect(ResumeArguments(text)?.words(for: summary) == words)
    }

    @Test("what a name holds is not replaced again, and a step that is not there is empty")
    func replacedOnce() {
        let summary = CheckpointSummary(
            id: checkpoint(7), created: .zero, bytes: 1, metrics: [:], path: "/{id}")
        #expect(ResumeArguments("{checkpoint}{step}")?.words(for: summary) == ["/{id}"])
    }

    @Test(
        "no word, or a quote that is not closed, is no value", arguments: ["", "  ", "'a", "\"a"])
    func noWords(text: String) {
        #expect(ResumeArguments(text) == nil)
    }
}
