import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// What becomes of watched directories and their names.
@Suite("A directory that is watched", .onStage)
struct WatchDirectoryTests {
    @Test("keeps its own name, for the job and in the manifest", arguments: AddMode.allCases)
    func name(mode: AddMode) throws {
        let place = try Place()
        let line = """
            if test -n "$1"; then
                echo "goes on from $1 with $(cat $1/a/x), also $SUPERVISE_CHECKPOINT"; exit 0
            fi
            mkdir -p out/new/a; echo state > out/new/a/x; mv out/new out/checkpoint-500; read x
            kill -9 $$
            """
        let options = [
            "--watch", "out/checkpoint-*", "--watch-mode", mode.rawValue, "--resume-args",
            "{checkpoint}",
        ]
        let program = try place.supervise(options, ["sh", "-c", line, "job"], hasInput: true)
        try waitForChange(in: place.path) { pathExists(place.file("checkpoints")) }
        try waitForChange(in: place.file("checkpoints")) { !place.checkpoints.isEmpty }
        try program.say("go")
        let isOutside = mode == .own || mode == .reference
        let path =
            isOutside
            ? "\(place.path)/out/checkpoint-500"
            : place.file("checkpoints/000001-step-500/data/checkpoint-500")
        try program.line(starting: "goes on from \(path) with state, also \(path)")
        #expect(try program.waitForEnd() == .exited(0))
        let manifest = try place.manifest("000001-step-500")
        #expect(manifest.directory == (isOutside ? nil : "data/checkpoint-500"))
        #expect(
            FilePath(manifest.payloadPath(in: place.file("checkpoints/000001-step-500"))).name
                == "checkpoint-500")
        #expect(try place.isWhole("000001-step-500"))
        let copy = try place.call(
            [
                "checkpoints", "it", "export", "000001-step-500", "\(place.path)/copy",
                "--state-dir", place.state,
            ])
        #expect(try copy.waitForEnd() == .exited(0), "\(copy.text(.errors))")
        #expect(try place.directory.read("copy/a/x") == "state\n")
    }

    @Test(
        "files that are saved and deleted at once are no error of the run",
        arguments: [false, true])
    func keepsTheLastTwo(isDirectory: Bool) throws {
        let scene = try WatchScene(["--watch", "out/state-*", "--keep-last", "100"])
        let save =
            isDirectory
            ? "mkdir out/part; echo state of $n > out/part/x; cp out/part/x out/part/y"
            : "echo state of $n > out/part"
        try scene.run(
            """
            n=0; while [ $n -lt 60 ]; do n=$((n+1)); \(save); mv out/part out/state-$n; \
            rm -rf out/state-$((n-2)); done
            """)
        try scene.stop()
        let last = isDirectory ? "state of 60,state of 60" : "state of 60"
        #expect(try scene.contents().last == last)
        #expect(try scene.failures() == 0)
        let warnings = try scene.warnings().filter { !$0.contains("a newer file was taken first") }
        #expect(warnings == [])
    }

    @Test("that one run takes as a whole, and in which another looks, is named at the second start")
    func overlap() throws {
        let place = try Place()
        let command = [place.fixture, "puppet"]
        _ = try place.directory.makeDirectory("out")
        try Disk().makeLink("\(place.path)/link", to: "out")
        func start(_ name: String, _ glob: String) throws -> Program {
            let arguments = place.arguments(["--watch", glob], name: name)
            let program = try place.call(arguments + command, hasInput: true)
            try program.nextAttempt(nil)
            return program
        }
        let whole = try start("whole", "out/*")
        let deep = try start("deep", "out/*/x")
        try deep.errorLine(with: "/out is watched by run whole, too")
        let below = try start("below", "link/a/*")
        try below.errorLine(with: "/out/a is watched by run deep and run whole, too")
        let above = try start("above", "*")
        try above.errorLine(with: "/out is watched by run deep and run whole, too")
        #expect(above.text(.errors).contains("/out/a is watched by run below, too"))
        let other = try start("other", "out/state.d/../../elsewhere/*.pt")
        try other.errorLine(with: "attempt 1")
        for program in [whole, deep, below, above, other] { try place.stop(program) }
        #expect(!whole.text(.errors).contains("is watched by"))
        let last = try start("last", "out/*")
        try place.stop(last)
        #expect(!last.text(.errors).contains("is watched by"))
        // What the others have left is gone.
        let claims = try Disk().list("\(place.state)/.locks/.watch").map(\.name)
        #expect(claims == ["last"])
    }

    @Test("is watched by two runs: the second start names the first, and says what to do")
    func twoRuns() throws {
        let place = try Place()
        let command = [place.fixture, "puppet"]
        func start(_ name: String, _ glob: String) throws -> Program {
            let arguments = place.arguments(["--watch", glob], name: name)
            let program = try place.call(arguments + command, hasInput: true)
            try program.nextAttempt(nil)
            return program
        }
        let first = try start("first", "out/a-*")
        let other = try start("other", "elsewhere/*")
        let second = try start("second", "\(place.path)/out/b-*")
        let warning = "/out is watched by run first, too"
        try second.errorLine(with: warning)
        #expect(!first.text(.errors).contains("is watched by"))
        #expect(!other.text(.errors).contains("is watched by"))
        // The job that outlives its supervisor holds nothing, nor does the guard.
        try first.signal(9)
        #expect(try first.waitForEnd() == .signaled(9))
        let third = try start("third", "out/*")
        try third.errorLine(with: "/out is watched by run second, too")
        for program in [other, second, third] {
            try program.signal(15)
            try program.line(starting: "signal SIGTERM")
            try program.say("exit 0")
            #expect(try program.waitForEnd() == .signaled(15))
        }
    }
}
