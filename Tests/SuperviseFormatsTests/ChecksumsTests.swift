import SuperviseFormats
import Testing

@Suite("SHA256SUMS")
struct ChecksumsTests {
    private let digest = String(repeating: "0f", count: 32)

    @Test("a line is the digest, two spaces and the name")
    func plain() throws {
        let text = Checksums.format([.init(digest: digest, path: "data/a b")])
        #expect(text == "\(digest)  data/a b\n")
        #expect(try Checksums.parse(text) == [.init(digest: digest, path: "data/a b")])
    }

    @Test("names with backslash, newline or carriage return are escaped as sha256sum does")
    func escapes() throws {
        let entry = Checksums.Entry(digest: digest, path: "data/a\\n\nb\rc")
        let text = Checksums.format([entry])
        #expect(text == "\\\(digest)  data/a\\\\n\\nb\\rc\n")
        #expect(try Checksums.parse(text) == [entry])
    }

    @Test("odd names come back")
    func odd() throws {
        let names = [" ", "*x", "é", "a\tb", "\\", "\n", "\r\n", "x\r\ny", "  two", "😀", "\\n"]
        let entries = names.map { Checksums.Entry(digest: digest, path: FilePath($0)) }
        #expect(try Checksums.parse(Checksums.format(entries)) == entries)
    }

    @Test("an empty list is an empty file")
    func empty() throws {
        #expect(Checksums.format([]) == "")
        #expect(try Checksums.parse("") == [])
    }

    @Test("the first line that is none is named")
    func errors() {
        let good = "\(digest)  a\n"
        let bad = [
            "\(digest) a\n", "\(digest)  \n", "\(digest.dropLast())  a\n",
            "\(digest.uppercased())  a\n", "\n", "x\n", "\\\(digest)  a\\x\n",
            "\\\(digest)  a\\\n", "\(digest)\n", "\(digest) *a\n",
        ]
        for line in bad {
            #expect(throws: FormatError.unreadable("line 2 is no checksum")) {
                try Checksums.parse(good + line)
            }
        }
        #expect(throws: FormatError.unreadable("its last line is cut off")) {
            try Checksums.parse(good + "\(digest)  b")
        }
    }
}
