import SuperviseFormats
import Testing

@Suite("the environment that a record keeps")
struct KeptEnvironmentTests {
    private let caller = [("PATH", "/a"), ("SECRET", "s"), ("VIRTUAL_ENV", "/v"), ("TOOLS", "t")]

    @Test("only the standard variables and those that are named are stored")
    func stored() throws {
        let kept = KeptEnvironment(alsoKeeping: ["TOOLS", "GONE"], of: caller)
        let all = KeptEnvironment.standard + KeptEnvironment.locale + ["TOOLS", "GONE"]
        #expect(kept.values.keys.sorted() == all.sorted())
        #expect(kept.value(of: "PATH") == "/a" && kept.value(of: "TOOLS") == "t")
        #expect(kept.value(of: "GONE") == nil && kept.value(of: "SECRET") == nil)
        let text = String(decoding: try JSONText.encode(kept), as: UTF8.self)
        #expect(text.contains(#""GONE":null"#) && !text.contains("SECRET"))
        #expect(try JSONText.decode(KeptEnvironment.self, from: Array(text.utf8)) == kept)
    }

    @Test("kept variables are set, or unset, as they were; all others stay the caller's")
    func applied() {
        let kept = KeptEnvironment(of: caller)
        let other = [
            ("PATH", "/b"), ("CUDA_VISIBLE_DEVICES", "1"), ("SECRET", "o"), ("PATH", "/c"),
        ]
        let result = kept.applied(to: other)
        #expect(result.map(\.0) == ["PATH", "SECRET", "VIRTUAL_ENV"])
        #expect(result.map(\.1) == ["/a", "o", "/v"])
        #expect(kept.differences(from: other) == ["CUDA_VISIBLE_DEVICES", "PATH", "VIRTUAL_ENV"])
        #expect(kept.differences(from: caller).isEmpty)
        #expect(kept.differences(from: result).isEmpty)
    }

    @Test("values that differ only in how an accent is written differ")
    func accents() {
        let kept = KeptEnvironment(of: [("PATH", "/caf\u{e9}")])
        #expect(kept.differences(from: [("PATH", "/cafe\u{301}")]) == ["PATH"])
        #expect(kept.differences(from: [("PATH", "/caf\u{e9}")]).isEmpty)
    }
}
