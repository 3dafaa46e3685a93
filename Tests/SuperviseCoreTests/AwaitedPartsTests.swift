import Testing

@testable import SuperviseCore

@Suite("What the end waits for")
struct AwaitedPartsTests {
    @Test("a part that was ordered twice is over after two answers, and an answer too many is none")
    func counted() {
        var parts = AwaitedParts()
        parts.wasOrdered(.files)
        parts.wasOrdered(.files)
        parts.wasAnswered(.files)
        #expect(parts.contains(.files) && !parts.isEmpty)
        parts.wasAnswered(.files)
        #expect(!parts.contains(.files) && parts.isEmpty)
        parts.wasAnswered(.files)
        #expect(parts.isEmpty)
    }

    @Test("parts that are not kept are waited for no longer, and the others as before")
    func kept() {
        var parts = AwaitedParts()
        for part in [Closing.Part.files, .output, .output] { parts.wasOrdered(part) }
        parts.keep([.output, .readers])
        #expect(!parts.contains(.files))
        parts.wasAnswered(.output)
        #expect(parts.contains(.output))
    }
}
