import Testing

@testable import SuperviseCore

@Suite("Words as a shell has them, as text")
struct ShellWordsTests {
    @Test(
        "with another first word they read as the same words",
        arguments: [
            "./look --pid {pid}", "a/b 'it''s' \"two words\" \\'", "a/b", "a/b '' ' \n\t' \\\\",
        ])
    func withFirst(text: String) throws {
        let words = try #require(ShellWords(text))
        let path = "/home/it's me/look"
        let other = try #require(ShellWords(words.withFirst(path)))
        #expect(other.templates == [path] + words.templates.dropFirst())
    }
}
