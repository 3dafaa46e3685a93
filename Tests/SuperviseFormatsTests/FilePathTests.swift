import SuperviseFormats
import Testing

@Suite("the path of a file")
struct FilePathTests {
    /// é as one code point and as two, and names that begin with a combining mark.
    private static let odd: [FilePath] = [
        "caf\u{E9}", "cafe\u{301}", "\u{301}x", "x", "\r\n", "\n", "K", "\u{212A}",
        "\u{1100}\u{1161}",
        "\u{AC00}",
    ]

    @Test("names that differ in one byte differ as values, as keys and in order")
    func bytes() {
        #expect(Set(Self.odd).count == Self.odd.count)
        for left in Self.odd {
            for right in Self.odd {
                let isSame = Array(left.text.utf8) == Array(right.text.utf8)
                #expect((left == right) == isSame)
                #expect((left.hashValue == right.hashValue) == isSame)
                #expect((left < right || right < left) != isSame)
            }
        }
        #expect(Self.odd.sorted().map { Array($0.text.utf8) }.isInOrder)
    }

    @Test("a slash is a slash, whatever follows it")
    func slashes() {
        let path: FilePath = "/\u{301}a/\u{301}b/\u{301}"
        #expect(path.isAbsolute)
        #expect(path.components == ["\u{301}a", "\u{301}b", "\u{301}"])
        #expect(path.name == "\u{301}")
        #expect(path.parent == "/\u{301}a/\u{301}b")
        #expect(path.isBelow("/\u{301}a") && path.isBelow("/") && path.isBelow(path))
        #expect(path.below("/\u{301}a") == "\u{301}b/\u{301}")
        #expect(path.moved(from: "/\u{301}a", to: "/z") == "/z/\u{301}b/\u{301}")
        #expect(FilePath("/z").appending("\u{301}").components == ["z", "\u{301}"])
    }

    @Test("a directory holds what is in it, and not what only begins alike")
    func below() {
        let path: FilePath = "/a/bc"
        #expect(!path.isBelow("/a/b") && path.below("/a/b") == nil)
        #expect(!FilePath("/cafe\u{301}/x").isBelow("/caf\u{E9}"))
        #expect(!FilePath("/cafe\u{301}").isBelow("/cafe"))
        #expect(path.below(path) == nil && path.below("/") == "a/bc" && path.below("/a/") == "bc")
        #expect(FilePath("/a").parent == "/" && FilePath("a").parent == "/")
        #expect(FilePath("/").appending("a") == "/a" && FilePath("/").name == "/")
    }

    @Test("is written to JSON as a plain string, with its very bytes")
    func json() throws {
        let text = try JSONText.encode(Self.odd)
        let read = try JSONText.decode([FilePath].self, from: text)
        #expect(read == Self.odd)
        #expect(try JSONText.decode([String].self, from: text).count == Self.odd.count)
        #expect(try JSONText.encode(["a/b" as FilePath]) == Array(#"["a/b"]"#.utf8))
    }
}

extension [[UInt8]] {
    fileprivate var isInOrder: Bool {
        zip(self, dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) }
    }
}
