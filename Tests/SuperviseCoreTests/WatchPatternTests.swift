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
            ("**", "", true), ("ckpt-{step}", "ckpt-12", true), ("ckpt-{step}", "ckpt-", false),
            ("ckpt-{step}", "ckpt-1a", false), ("{step}0*", "100", true), ("{step}1", "11", true),
            ("\\{step}", "{step}", true), ("{steps}", "{steps}", true), ("*{step}", ".5", false),
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

    @Test(
        "a pattern that nothing can fit is none, and so is one with two steps",
        arguments: ["", "/", "out/", "out/..", "a\0b", "{step}/{step}", "{step}-{step}"])
    func refused(text: String) {
        #expect(WatchPattern(text) == nil)
    }

    @Test(
        "what says that a directory is complete is relative to it, and may be a dot file",
        arguments: [
            (".metadata", ".metadata", true), (".metadata", "a/.metadata", false),
            ("*/.metadata", "a/.metadata", true), ("*", ".metadata", false),
            ("./_SUCCESS", "_SUCCESS", true), ("*.json", "trainer_state.json", true),
            ("shard-{step}/done", "shard-4/done", true),
        ])
    func completion(pattern: String, path: String, isFitting: Bool) {
        #expect(CompletionPattern(pattern)?.fits(FilePath(path)) == isFitting)
    }

    @Test(
        "a pattern that can fit nothing in a directory is none",
        arguments: ["", ".", "/a", "../a", "a/..", "a/", "a\0"])
    func noCompletion(text: String) {
        #expect(CompletionPattern(text) == nil)
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
            // Only what a wildcard covers.
            ("run2024-*.pt", "/w/run2024-best.pt", nil), ("run2024-*.pt", "/w/run2024-7.pt", 7),
            ("v2-[0-9]?.pt", "/w/v2-45.pt", 45), ("run2024-*/m?.pt", "/w/run2024-7/m1.pt", 1),
            ("model2*.pt", "/w/model2-best.pt", nil), ("*.h5", "/w/a.h5", nil),
            // {step} is the step, whatever else is there.
            ("*-{step}-*.pt", "/w/epoch3-450-rank7.pt", 450), ("{step}/*", "/w/12/step-7", 12),
            ("{step}/*.pt", "/w/99999999999999999999/5.pt", nil),
            // Words.
            ("*", "/w/Epoch_12_of_90", 12), ("*", "/w/YEAR1999.1200", nil),
            ("*", "/w/year=1999-rank3", 1999), ("*", "/w/episode-8-r120", 8),
            ("*", "/w/iter_500_gpu4", 500), ("*", "/w/iteration 30 of 60", 30),
            ("*", "/w/trial-3-best-0.7", 3), ("*", "/w/GLOBAL_STEP8-step2", 8),
            ("*", "/w/epoch3-iter500-rank0", 500), ("*/*", "/w/step-900/model2.pt", 900),
            ("*", "/w/step--5-7", 7), ("*", "/w/stepped-5-7", 7),
            // Endings and decimal numbers.
            ("*", "/w/state.bz2", nil), ("*", "/w/state-3.bz2", 3), ("*", "/w/s.hdf5", nil),
            ("*/state", "/w/0.55/state", nil), ("*", "/w/step-0.55.pt", nil),
            ("0.*", "/w/0.55", nil), ("*", "/w/3-step-0.5", 3),
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
