import SuperviseFormats
import Testing

@Suite("The outline of a JSON object")
struct JSONOutlineTests {
    @Test("tells the line of each key, and of no key within")
    func keys() throws {
        let text = """
            {"a": 1, "b\\u0063": {"x": [1, {"y": null}]},

              "d"
              : "}\\"\\n{", "a": -2.5e-3 , "e": [], "f": {}
            }

            """
        let outline = try JSONOutline(text.utf8)
        #expect(outline.keys.map(\.name) == ["a", "bc", "d", "a", "e", "f"])
        #expect(outline.keys.map(\.line) == [1, 1, 3, 4, 4, 4])
        #expect(outline.repeated.map { [$0.key.line, $0.first.line] } == [4, 1])
        #expect(try JSONOutline("{}".utf8).keys.isEmpty)
    }

    @Test(
        "tells the line of the first mistake",
        arguments: [
            ("", 1), ("\n\n[]", 3), ("{", 1), ("{\n\n\"a\"", 3), ("{\"a\":\n1,\n}", 3),
            ("{\n'a': 1}", 2), ("{\"a\": 1\n\"b\": 2}", 2), ("{\"a\": \n\"b\n\"}", 2),
            ("{\"a\": tru}", 1), ("{\"a\": .}", 1), ("{\"a\": +1}", 1), ("{\"a\": 0x10}", 1),
            ("{\"a\": NaN}", 1), ("{\"a\": 1}\n{}", 2), ("{\"a\": [1,\n]}", 2),
            ("{\"a\": // why\n1}", 1), ("{\"a\" 1}", 1), ("{\"a\": \"\\", 1),
            ("{\"a\": " + String(repeating: "[", count: 5000), 1),
        ])
    func mistakes(text: String, line: Int) {
        #expect(throws: JSONOutline.Mistake.self) { try JSONOutline(text.utf8) }
        do throws(JSONOutline.Mistake) {
            _ = try JSONOutline(text.utf8)
        } catch {
            #expect(error.line == line, "\(error)")
        }
    }
}
