import Testing

@testable import supervise

@Suite("suggestions")
struct SuggestionTests {
    @Test(
        "count letters put in, left out, changed and swapped",
        arguments: [
            ("", "", 0), ("abc", "abc", 0), ("abc", "", 3), ("", "abc", 3), ("abc", "abd", 1),
            ("abc", "ab", 1), ("abc", "abcd", 1), ("abc", "acb", 1), ("ca", "abc", 3),
            ("kitten", "sitting", 3), ("keep-lst", "keep-last", 1),
        ])
    func distance(left: String, right: String, expected: Int) {
        #expect(Suggestion.distance(left, right) == expected)
        #expect(Suggestion.distance(right, left) == expected)
    }

    @Test(
        "are made only where something is near",
        arguments: [
            ("stats", "status"), ("sta", "status"), ("stat", "status"), ("xyz", nil),
            ("evnts", "events"),
            ("checkpoin", "checkpoint"), ("", nil), ("ls", nil),
        ])
    func nearest(text: String, expected: String?) {
        let words = ["run", "status", "list", "checkpoints", "checkpoint", "stop", "events"]
        #expect(Suggestion.nearest(to: text, among: words) == expected)
    }
}
