import SuperviseCore
import SuperviseFormats
import Testing

@Suite("Two watched areas")
struct WatchedAreaTests {
    private func area(_ place: FilePath, _ rest: String...) -> WatchedArea {
        WatchedArea(place: place, rest: rest)
    }

    @Test("overlap where what is taken for the one may be what is taken for the other, or hold it")
    func overlapping() {
        let pairs = [
            (area("/out", "*"), area("/out", "*")), (area("/out", "a-*"), area("/out", "b-*")),
            (area("/out", "state"), area("/out", "other")),
            (area("/out", "*"), area("/out", "*", "x")),
            (area("/out", "*"), area("/out/a", "*")), (area("/out", "*", "x"), area("/out/a", "x")),
            (area("/out", "*", "x"), area("/out/a", "*")), (area("/", "*"), area("/out/a/b", "c")),
            (area("/out", "run-*"), area("/out/run-1/deep", "*.pt")),
            (area("/out/a", "*", "..", "x"), area("/out", "y")),
        ]
        for (one, other) in pairs {
            #expect(one.overlaps(other) && other.overlaps(one), "\(one), \(other)")
        }
    }

    @Test("do not overlap in different directories, nor where a glob does not fit the directory")
    func separate() {
        let pairs = [
            (area("/out/a", "*"), area("/out/b", "*")), (area("/out", "*"), area("/output", "*")),
            (area("/out", "*.pt"), area("/out/a", "*")),
            (area("/out", "a", "x"), area("/out/b", "x")),
            (area("/out/a", "*", "..", "x"), area("/other", "y")),
        ]
        for (one, other) in pairs {
            #expect(!one.overlaps(other) && !other.overlaps(one), "\(one), \(other)")
        }
    }
}
