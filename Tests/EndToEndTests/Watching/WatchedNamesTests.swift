import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// A job that goes forward and crashes after each save or two, whose files have numbers in their names
/// that are no steps.
@Suite("Numbers in names that are no steps", .onStage)
struct WatchedNamesTests {
    enum Naming: String, CaseIterable {
        /// Two files that take turns.
        case turns
        /// The seconds of a day.
        case timeOfDay
        /// A directory of a decimal number.
        case decimal
        /// A word for the step before a decimal number.
        case decimalStep
        /// A count that each attempt begins anew.
        case beginsAgain
        /// The same number each time.
        case version
        /// A year that no wildcard covers.
        case year

        var pattern: String {
            switch self {
            case .decimal, .decimalStep: "out/*/state"
            case .version: "out/state-*.bin"
            case .year: "out/run2024-*.bin"
            case .turns, .timeOfDay, .beginsAgain: "out/state-*"
            }
        }

        /// In the shell, of the work done so far and the saves of this attempt.
        var path: String {
            switch self {
            case .turns: "out/state-$((n % 2))"
            case .timeOfDay: "out/state-$((n * 40000 % 86400))"
            case .decimal: "out/0.$((50 + n))/state"
            case .decimalStep: "out/step-0.$((50 + n))/state"
            case .beginsAgain: "out/state-$saves"
            case .version: "out/state-v2.bin"
            case .year: "out/run2024-best.bin"
            }
        }

        /// None of them is taken for one.
        var hasNumbers: Bool {
            switch self {
            case .decimal, .decimalStep, .year: false
            case .turns, .timeOfDay, .beginsAgain, .version: true
            }
        }
    }

    private static let work = 16

    private func start(
        _ place: Place, _ naming: Naming, _ options: [String] = [], killsSupervisorAt kill: Int = 0
    ) throws -> Program {
        try place.directory.write(
            "job.sh",
            """
            n=$(cat "${1:-/dev/null}"); n=${n:-0}; saves=0
            while :; do
                n=$((n + 1)); saves=$((saves + 1)); path=\(naming.path)
                mkdir -p "${path%/*}"; echo $n > part; mv part "$path"
                if test $n -ge \(Self.work); then echo "did $n"; exit 0; fi
                if test $n -eq \(kill) && test ! -e killed; then echo > killed; kill -9 $PPID; fi
                if test $saves -ge \(naming == .beginsAgain ? 2 : 1); then kill -9 $$; fi
            done
            """)
        return try place.supervise(
            ["--watch", naming.pattern, "--resume-args", "{checkpoint}"] + options,
            ["sh", "job.sh"])
    }

    @Test(
        "a job that goes forward is not given up, however its files are called",
        arguments: Naming.allCases)
    func goesForward(naming: Naming) throws {
        let place = try Place()
        let program = try start(place, naming)
        #expect(try program.waitForEnd() == .exited(0), "\(program.text(.errors))")
        #expect(program.lines(.output) == ["did \(Self.work)"])
        let record = try place.record()
        #expect(record.namedSteps == (naming.hasNumbers ? .ended : nil))
        let warnings = program.text(.errors).ranges(of: "no longer used as steps").count
        #expect(warnings == (naming.hasNumbers ? 1 : 0))
        #expect(try place.checkpoints.allSatisfy { try place.manifest($0).step == nil })
    }

    @Test("that names tell no steps holds for the run, and is not said again by another supervisor")
    func otherSupervisor() throws {
        let place = try Place()
        var program = try start(place, .turns, killsSupervisorAt: 5)
        #expect(try program.waitForEnd() == .signaled(9))
        #expect(program.text(.errors).contains("no longer used as steps"))
        program = try start(place, .turns, killsSupervisorAt: 5)
        #expect(try program.waitForEnd() == .exited(0), "\(program.text(.errors))")
        #expect(!program.text(.errors).contains("no longer used as steps"))
        #expect(try place.record().namedSteps == .ended)
    }

    @Test("a job whose names rise and that does not go forward is given up")
    func noProgress() throws {
        let place = try Place()
        // There before the job, so that each rename is seen.
        _ = try place.directory.makeDirectory("out")
        let job = """
            if test -e once; then n=500; else n=400; echo > once; fi
            echo $n > part; mv part out/state-$n; kill -9 $$
            """
        let program = try place.supervise(
            ["--watch", "out/state-*", "--max-failures", "3"], ["sh", "-c", job])
        #expect(try program.waitForEnd() == .exited(137), "\(program.text(.errors))")
        #expect(try place.record().namedSteps == .rising)
    }

    @Test("{step} in the pattern is the step, whatever else is in the name")
    func stepInPattern() throws {
        let place = try Place()
        // Of two files that are there at the end of the job only the newer one may be taken.
        let job = """
            for n in 1 2; do
                echo $n > part; mv part run2024-$((n * 7))-step9.pt
                until ls "\(place.file("checkpoints"))/"*-step-$((n * 7)); do sleep 0.01; done
            done > out.txt 2>&1
            """
        let program = try place.supervise(
            ["--watch", "run*-{step}-*.pt"], ["sh", "-c", job])
        #expect(try program.waitForEnd() == .exited(0))
        #expect(place.checkpoints == ["000001-step-7", "000002-step-14"])
    }
}
