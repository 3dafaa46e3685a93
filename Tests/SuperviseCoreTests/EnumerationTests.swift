import Glibc
import SuperviseCore
import SuperviseFormats
import Testing

/// All histories of up to six events over eight letters, and of four over all of them, from several
/// beginnings. After each event the witnesses look, and from many of the places that are come to, a
/// stop must come to its end in its time, with a disk that hangs too.
///
/// `ENUMERATE_LENGTH` says how long the long ones are; each more takes six times as long.
@Suite("All short histories")
struct EnumerationTests {
    /// How a history begins, before every order of events is tried.
    enum Beginning: CaseIterable {
        case start, running, inBackoff, restartsAlways, noticed

        func bench() throws -> Bench {
            var bench = Bench { if self == .restartsAlways { $0.restart = .always } }
            var letters: [Bench.Letter] = []
            if self != .start { letters += [.done, .done, .done, .speak] }
            if self == .inBackoff { letters += [.crash, .done] }
            // What a save costs is known, so that the job goes on for a while.
            if self == .noticed { letters += [.speak, .done, .speak, .done, .notice] }
            try bench.start()
            for letter in letters {
                let isPlayed = try bench.play(letter)
                try #require(isPlayed, "\(letter)")
            }
            return bench
        }
    }

    private static let few: [Bench.Letter] = [
        .done, .clock, .crash, .complete, .speak, .stop, .restart, .pause,
    ]

    @Test("of a few kinds of events keep every promise", arguments: Beginning.allCases, few)
    func long(beginning: Beginning, first: Bench.Letter) throws {
        let text = getenv("ENUMERATE_LENGTH").map { String(cString: $0) }
        var walk = Walk(letters: Self.few, length: text.flatMap { Int($0) } ?? 6)
        walk.go(on: try beginning.bench(), by: first, after: [])
        if let found = walk.found { Issue.record("\(found)") }
    }

    @Test("of all kinds keep every promise", arguments: Beginning.allCases)
    func short(beginning: Beginning) throws {
        var walk = Walk(letters: Bench.Letter.allCases, length: 4)
        for first in Bench.Letter.allCases {
            walk.go(on: try beginning.bench(), by: first, after: [])
        }
        if let found = walk.found { Issue.record("\(found)") }
        // The probe itself works.
        #expect(walk.count > 500)
    }

    private struct Walk {
        let letters: [Bench.Letter]
        let length: Int
        var count = 0
        var found: String?

        mutating func go(on bench: Bench, by letter: Bench.Letter, after path: [Bench.Letter]) {
            var bench = bench
            let path = path + [letter]
            do throws(Violation) {
                guard try bench.play(letter) else { return }
                count += 1
                // From all the places that are near, and from some of those that are far.
                if path.count <= 3 || count % 61 == 0 {
                    for diskHangs in [false, true] {
                        var end = bench
                        try end.finish(diskHangs: diskHangs)
                    }
                }
            } catch {
                found = "\(error) after \(path)"
                return
            }
            guard path.count < length, !bench.isOver else { return }
            for next in letters where found == nil {
                go(on: bench, by: next, after: path)
            }
        }
    }
}
