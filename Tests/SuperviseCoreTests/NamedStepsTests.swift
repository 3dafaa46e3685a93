import SuperviseCore
import SuperviseFormats
import Testing

@Suite("Numbers in the names of watched files")
struct NamedStepsTests {
    /// The steps that one attempt's numbers give.
    private func take(_ numbers: [Int64], _ names: inout NamedSteps) -> [Int64?] {
        numbers.enumerated().map { index, number in
            names.take(number, completedAt: Instant(nanoseconds: Int64(index)))
        }
    }

    @Test("are steps as long as they rise")
    func rising() {
        var names = NamedSteps()
        names.begin(from: nil)
        #expect(take([0, 5, 5, 900], &names) == [0, 5, 5, 900])
        #expect(names.trust == .rising)
    }

    @Test("are none from the first on that does not rise, and stay none")
    func breach() {
        var names = NamedSteps()
        names.begin(from: nil)
        #expect(take([0, 1, 0, 1, 2], &names) == [0, 1, nil, nil, nil])
        names.begin(from: nil)
        #expect(take([7], &names) == [nil])
        var later = NamedSteps(names.trust)
        #expect(take([8], &later) == [nil])
    }

    @Test(
        "may begin again at the step that the attempt resumed from, or above it, and not below",
        arguments: [
            (6, [6, 8], [6, 8]), (6, [7], [7]), (6, [5, 9], [nil, nil]), (nil, [0, 1], [0, 1]),
        ] as [(Int64?, [Int64], [Int64?])])
    func nextAttempt(from step: Int64?, numbers: [Int64], steps: [Int64?]) {
        var names = NamedSteps()
        names.begin(from: nil)
        #expect(take([2, 4, 6], &names) == [2, 4, 6])
        names.begin(from: step)
        #expect(take(numbers, &names) == steps)
    }

    @Test("a file that is told late may have a lower number than one that was complete after it")
    func toldLate() {
        var names = NamedSteps()
        names.begin(from: nil)
        #expect(names.take(8, completedAt: Instant(nanoseconds: 20)) == 8)
        #expect(names.take(7, completedAt: Instant(nanoseconds: 10)) == 7)
        #expect(names.take(7, completedAt: Instant(nanoseconds: 30)) == nil)
    }

    @Test("one that is the only one of the run, and comes again and again, is a part of the name")
    func onlyOne() {
        var names = NamedSteps()
        names.begin(from: nil)
        #expect(take([2, 2], &names) == [2, 2])
        names.begin(from: 2)
        #expect(take([2, 2, 2], &names) == [2, 2, nil])
        #expect(names.trust == .ended)
    }

    @Test("one of a directory whose files come late, one by one, stays a step")
    func retakenDirectory() {
        var names = NamedSteps()
        names.begin(from: nil)
        func take(_ number: Int64, _ path: FilePath, at: Int64) -> Int64? {
            names.take(number, completedAt: Instant(nanoseconds: at), directory: path)
        }
        for time in 1...10 as ClosedRange<Int64> { #expect(take(500, "/out/500", at: time) == 500) }
        #expect(names.trust == nil)
        // Until a number has risen, it may as well be written over for ever, and its takes all stay.
        #expect(!names.replaceRetakes)
        #expect(take(600, "/out/600", at: 20) == 600)
        #expect(names.trust == .rising && names.replaceRetakes)
    }

    @Test("one of several directories counts as coming again with each other directory")
    func otherDirectories() {
        var names = NamedSteps()
        names.begin(from: nil)
        let paths = ["/1/v2", "/1/v2", "/2/v2", "/2/v2", "/3/v2", "/4/v2", "/5/v2"]
        let steps = paths.enumerated().map { index, path in
            names.take(
                2, completedAt: Instant(nanoseconds: Int64(index)), directory: FilePath(path))
        }
        #expect(steps == [2, 2, 2, 2, 2, 2, nil] && names.trust == .ended)
    }

    @Test("takes of one path that were there before stay until a number has risen")
    func earlierTakes() {
        #expect(!NamedSteps(hasRetakes: true).replaceRetakes)
        #expect(NamedSteps(.rising, hasRetakes: true).replaceRetakes)
        #expect(NamedSteps(hasRetakes: false).replaceRetakes)
    }

    @Test("one that comes again after others have risen is a step, however often it comes")
    func againAfterRise() {
        var names = NamedSteps()
        names.begin(from: nil)
        #expect(take([1, 2] + Array(repeating: 2, count: 20), &names).last == 2)
        var later = NamedSteps(names.trust)
        later.begin(from: 2)
        #expect(take(Array(repeating: 2, count: 20), &later).last == 2)
    }
}
