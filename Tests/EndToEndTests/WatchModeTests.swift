import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// What becomes of the files that a script writes, which speaks no protocol: in each mode, and also
/// when their checkpoint goes.
@Suite("What is watched is taken in each mode", .onStage)
struct WatchModeTests {
    enum Kind: String, CaseIterable { case file, directory }

    /// Saves when it is told a step, under another name first.
    private static let script = """
        kind=$1; name=$2
        if test "$3" = --resume; then
            if test -d "$4"; then cat "$4/a/x"; else cat "$4"; fi
        fi
        mkdir -p out
        echo "up $$"
        while read step; do
            if test $kind = directory; then
                mkdir -p out/new/a; echo "state of $step" > out/new/a/x; echo more > out/new/y
            else
                echo "state of $step" > out/new
            fi
            test "$name" = step && place=out/step-$step || place=out/$name
            mv out/new $place
            echo "saved $step"
        done

        """

    private func start(
        _ place: Place, _ kind: Kind, _ mode: AddMode, name: String = "step", keep: Int
    ) throws -> Program {
        try place.directory.write("job.sh", Self.script)
        let options = [
            "--watch", name == "step" ? "out/step-*" : "out/\(name)",
            "--watch-mode", mode.rawValue, "--keep-last", "\(keep)",
            "--resume-args", "--resume {checkpoint}",
        ]
        return try place.supervise(
            options, ["sh", "job.sh", kind.rawValue, name], hasInput: true)
    }

    /// - Returns: the job's pid.
    private func waitUntilUp(_ program: Program) throws -> Int32 {
        try #require(Int32(try program.line(starting: "up ").dropFirst(3)))
    }

    private func save(_ step: Int, _ program: Program, _ place: Place) throws {
        try program.say("\(step)")
        try program.line(starting: "saved \(step)")
        try waitForChange(in: place.file("")) {
            try place.status().checkpoint?.id.sequence == Int64(step)
        }
    }

    private func ids(_ steps: ClosedRange<Int>) -> [String] {
        steps.map { "00000\($0)-step-\($0)" }
    }

    private func waitForOutside(_ place: Place, _ names: [String]) throws {
        let out = "\(place.path)/out"
        try waitForChange(in: out) { try Disk().list(out).map(\.name).sorted() == names }
    }

    /// Of what the steps 1 to 4 left, where the last two are kept.
    private func left(by mode: AddMode) -> [String] {
        let all = (1...4).map { "step-\($0)" }
        return switch mode {
        case .copy, .reference: all
        case .own: Array(all.suffix(2))
        case .move: []
        }
    }

    @Test(
        "kill -9 of the job, and of the supervisor: on from the newest; and what goes, goes",
        arguments: AddMode.allCases, Kind.allCases)
    func goesOn(mode: AddMode, kind: Kind) throws {
        let place = try Place()
        var program = try start(place, kind, mode, keep: 2)
        let job = try waitUntilUp(program)
        for step in 1...3 { try save(step, program, place) }
        try waitForChange(in: place.file("checkpoints")) { place.checkpoints == ids(2...3) }
        try ProcessHandle(opening: job).signal(9)
        try program.line(starting: "state of 3")
        _ = try waitUntilUp(program)
        try save(4, program, place)
        try waitForChange(in: place.file("checkpoints")) { place.checkpoints == ids(3...4) }
        try waitForOutside(place, left(by: mode))
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))

        program = try start(place, kind, mode, keep: 2)
        try program.line(starting: "state of 4")
        _ = try waitUntilUp(program)
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(place.checkpoints == ids(3...4))
        for id in place.checkpoints { #expect(try place.isWhole(id)) }
        #expect(place.names(in: "set-aside").isEmpty && place.names(in: "trash").isEmpty)
        try waitForOutside(place, left(by: mode))
        for name in left(by: mode) {
            let inside = kind == .directory ? "/a/x" : ""
            let text = try place.directory.read("out/\(name)\(inside)")
            #expect(text == "state of \(name.dropFirst(5))\n")
        }
    }

    @Test(
        "a name that is used again and again: what is there now stays, and is gone on from",
        arguments: AddMode.allCases)
    func oneName(mode: AddMode) throws {
        let place = try Place()
        let program = try start(place, .file, mode, name: "latest", keep: 1)
        let job = try waitUntilUp(program)
        for step in 1...3 { try save(step, program, place) }
        try waitForChange(in: place.file("checkpoints")) { place.checkpoints == ["000003"] }
        try ProcessHandle(opening: job).signal(9)
        try program.line(starting: "state of 3")
        _ = try waitUntilUp(program)
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(place.checkpoints == ["000003"])
        #expect(place.names(in: "set-aside").isEmpty && place.names(in: "trash").isEmpty)
        try waitForOutside(place, mode == .move ? [] : ["latest"])
    }
}
