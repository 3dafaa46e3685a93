import SuperviseCore
import SuperviseFormats
import Testing

@Suite("A command that names no run, in a directory with two paths")
struct DefaultRunTests {
    private static func found(_ isCompleted: Bool, _ created: Int64) -> DefaultRun.Found {
        .init(isCompleted: isCompleted, created: Timestamp(milliseconds: created))
    }

    @Test(
        "means the unfinished run, of two the newer one, else the one that is there",
        arguments: [
            (nil, nil, false, false), (found(false, 5), nil, false, false),
            (nil, found(false, 5), true, false), (nil, found(true, 5), true, false),
            (found(true, 9), found(false, 5), true, false),
            (found(false, 5), found(true, 9), false, false),
            (found(false, 5), found(false, 9), true, true),
            (found(false, 9), found(false, 5), false, true),
            (found(true, 5), found(true, 9), false, false),
        ] as [(DefaultRun.Found?, DefaultRun.Found?, Bool, Bool)])
    func choice(
        usual: DefaultRun.Found?, second: DefaultRun.Found?, takesSecond: Bool, areBoth: Bool
    ) {
        let run = DefaultRun(usual: usual, second: second)
        #expect(run.takesSecond == takesSecond && run.areBothUnfinished == areBoth)
    }
}
