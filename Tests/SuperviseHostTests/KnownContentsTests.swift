import SuperviseFormats
import Testing

@testable import SuperviseHost

@Suite("The contents that a watch knows")
struct KnownContentsTests {
    private func mark(_ inode: UInt64) -> Mark { Mark(inode: inode, bytes: 1, files: 1) }

    private func moved(_ old: FilePath, _ new: FilePath) -> KnownContents.Renamed {
        .init(from: old, to: new, left: RealPath(old))
    }

    @Test("a content that is renamed has another name, and is known")
    func renamed() {
        var known = KnownContents()
        #expect(known.tell("/state", mark(1)) == [])
        #expect(known.remove("/state", mayComeBack: true) == [])
        #expect(known.contains(mark(1)))
        #expect(known.name("/state.old", mark(1)) == [moved("/state", "/state.old")])
        // And the next one takes its place.
        #expect(known.tell("/state", mark(2)) == [])
        #expect(known.contains(mark(1)) && known.contains(mark(2)))
    }

    @Test("a content that is linked has two names, and the one that stays is told")
    func linked() {
        var known = KnownContents()
        _ = known.tell("/state", mark(1))
        #expect(known.name("/state.old", mark(1)) == [])
        #expect(known.tell("/state", mark(2)) == [moved("/state", "/state.old")])
    }

    @Test(
        "a content has left its place where its file was moved, and not where only a link was turned"
    )
    func places() {
        func content(at place: FilePath) -> Mark {
            var mark = mark(1)
            mark.place = RealPath(place)
            return mark
        }
        var known = KnownContents()
        #expect(known.tell("/now/state", content(at: "/a/state")) == [])
        #expect(known.name("/other/state", content(at: "/a/state")) == [])
        #expect(
            known.remove("/now", mayComeBack: true)
                == [.init(from: "/now/state", to: "/other/state")])
        let left = RealPath("/a/state")
        #expect(
            known.name("/other/state", content(at: "/b/state"))
                == [.init(from: "/other/state", to: "/other/state", left: left)])
        _ = known.remove("/other", mayComeBack: true)
        #expect(
            known.name("/old", content(at: "/c/old"))
                == [.init(from: "/other/state", to: "/old", left: RealPath("/b/state"))])
    }

    @Test("a content that is removed is forgotten, so that its inode may be used again")
    func removed() {
        var known = KnownContents()
        _ = known.tell("/out/state", mark(1))
        #expect(known.remove("/out", mayComeBack: false) == [])
        #expect(!known.contains(mark(1)) && known.isEmpty)
    }

    @Test("a content that is to be told again is found where it is now")
    func again() {
        var known = KnownContents()
        _ = known.tell("/state", mark(1))
        _ = known.remove("/state", mayComeBack: true)
        _ = known.name("/state.1", mark(1))
        _ = known.remove("/state.1", mayComeBack: true)
        _ = known.name("/state.2", mark(1))
        #expect(known.forget("/state") == "/state.2")
        #expect(!known.contains(mark(1)))
        #expect(known.forget("/other") == "/other")
    }

    @Test("what was there at the start is known, and where it goes is told as well")
    func start() {
        var known = KnownContents()
        _ = known.name("/state", mark(1))
        _ = known.remove("/state", mayComeBack: true)
        #expect(known.name("/state.old", mark(1)) == [moved("/state", "/state.old")])
    }

    @Test("of what was moved away a bounded number is remembered")
    func bounded() {
        var known = KnownContents()
        for number in 0..<UInt64(KnownContents.mostAway + 2) {
            _ = known.tell("/\(number)", mark(number))
            _ = known.remove("/\(number)", mayComeBack: true)
        }
        #expect(!known.contains(mark(0)) && !known.contains(mark(1)) && known.contains(mark(2)))
    }
}
