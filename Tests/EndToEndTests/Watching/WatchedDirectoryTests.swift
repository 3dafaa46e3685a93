import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Directories to which something is added late.
@Suite("A watched directory is complete", .onStage)
struct WatchedDirectoryTests {
    /// Writes a file into a directory of `out/` when it is told so.
    private static let script = """
        mkdir -p out; echo "up $$"
        while read word name file; do
            case $word in
            add)
                path="out/$name/$file"; mkdir -p "${path%/*}"
                if test "${file##*/}" = _SUCCESS; then : > "$path"; else echo "$file" > "$path"; fi;;
            exit) exit 0;;
            esac
            echo "did $word $name $file"
        done

        """

    private func start(_ place: Place, _ options: [String]) throws -> Program {
        try place.directory.write("job.sh", Self.script)
        let program = try place.supervise(
            ["--watch", "out/step-*"] + options, ["sh", "job.sh"], hasInput: true)
        try program.line(starting: "up ")
        return program
    }

    private func add(_ name: String, _ file: String, _ program: Program) throws {
        try program.say("add \(name) \(file)")
        try program.line(starting: "did add \(name) \(file)")
    }

    private func waitForTake(_ sequence: Int64, _ place: Place) throws {
        try waitForChange(in: place.file("")) {
            try place.status().checkpoint?.id.sequence == sequence
        }
    }

    private func waitForKept(_ ids: [String], _ place: Place) throws {
        try waitForChange(in: place.file("checkpoints")) { place.checkpoints == ids }
    }

    private func names(_ id: String, _ place: Place) throws -> [String] {
        try place.manifest(id).files.map(\.path.name)
    }

    private static let keeping = ["--watch-settle", "200ms", "--keep-every", "100"]

    @Test(
        "a file that comes late: the whole directory takes the place of the torn one",
        arguments: [
            ["--watch-mode", "copy"], ["--watch-mode", "own"], ["--watch-mode", "reference"],
            ["--watch-mode", "copy", "--compress", "gzip"],
        ])
    func late(options: [String]) throws {
        let place = try Place()
        let program = try start(place, Self.keeping + options)
        for (index, name) in ["step-500", "step-600"].enumerated() {
            try add(name, "shard-1", program)
            try waitForTake(Int64(index * 2 + 1), place)
            try add(name, "shard-2", program)
            try waitForTake(Int64(index * 2 + 2), place)
        }
        let kept = ["000002-step-500", "000004-step-600"]
        try waitForKept(kept, place)
        try program.say("exit")
        #expect(try program.waitForEnd() == .exited(0))
        #expect(place.checkpoints == kept)
        for id in kept {
            // Of what is compressed, `sha256sum` knows nothing.
            if !options.contains("--compress") { #expect(try place.isWhole(id)) }
            #expect(try names(id, place) == ["shard-1", "shard-2"])
        }
        #expect(try place.record().namedSteps == .rising)
        for name in ["step-500", "step-600"] {
            #expect(pathExists("\(place.path)/out/\(name)/shard-1"))
        }
    }

    @Test("what was moved away before the rest came is no part of the rest, so that both stay")
    func lateAfterMove() throws {
        let place = try Place()
        let program = try start(place, Self.keeping + ["--watch-mode", "move"])
        try add("step-500", "shard-1", program)
        try waitForTake(1, place)
        try add("step-500", "shard-2", program)
        try waitForTake(2, place)
        try program.say("exit")
        #expect(try program.waitForEnd() == .exited(0))
        #expect(place.checkpoints == ["000001-step-500", "000002-step-500"])
    }

    @Test("a pinned take stays, and only the whole one counts as having the step")
    func pinned() throws {
        let place = try Place()
        let program = try start(place, Self.keeping)
        try add("step-500", "shard-1", program)
        try waitForTake(1, place)
        let torn = "000001-step-500"
        let pin = try place.call(["checkpoints", "--state-dir", place.state, "it", "pin", torn])
        #expect(try pin.waitForEnd() == .exited(0), "\(pin.text(.errors))")
        try add("step-500", "shard-2", program)
        try waitForTake(2, place)
        try add("step-600", "shard-1", program)
        try waitForTake(3, place)
        let plan = try place.call(
            ["prune", "--state-dir", place.state, "it", "--dry-run", "--json"]
                + ["--keep-last", "5", "--keep-every", "100"])
        #expect(try plan.waitForEnd() == .exited(0), "\(plan.text(.errors))")
        let text = plan.text(.output).filter { !$0.isWhitespace }
        #expect(text.contains(#""reasons":["pinned"]"#), "\(text)")
        #expect(place.checkpoints == [torn, "000002-step-500", "000003-step-600"])
        try program.say("exit")
        #expect(try program.waitForEnd() == .exited(0))
    }

    @Test("a supervisor that is killed between two takes leaves the older to the next ones")
    func killedBetween() throws {
        let place = try Place()
        let options = Self.keeping
        var program = try start(place, options)
        try add("step-500", "shard-1", program)
        try waitForTake(1, place)
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        program = try start(place, options)
        try add("step-500", "shard-2", program)
        try waitForTake(2, place)
        // The job resumed from the first.
        #expect(place.checkpoints == ["000001-step-500", "000002-step-500"])
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        program = try start(place, options)
        try add("step-600", "shard-1", program)
        try waitForTake(3, place)
        try waitForKept(["000002-step-500", "000003-step-600"], place)
        #expect(try names("000002-step-500", place) == ["shard-1", "shard-2"])
        try program.say("exit")
        #expect(try program.waitForEnd() == .exited(0))
    }

    @Test(
        "a directory without what says that it is complete is never taken, and named at the end",
        arguments: [".metadata", "_SUCCESS", "trainer_state.json", "rank-0/.metadata"])
    func complete(mark: String) throws {
        let place = try Place()
        let patterns = [".metadata", "_SUCCESS", "trainer_state.json", "*/.metadata"]
        let options = patterns.flatMap { ["--watch-complete", $0] }
        let program = try start(place, ["--watch-settle", "200ms"] + options)
        try add("step-2", "shard-1", program)
        try add("step-1", "shard-1", program)
        try add("step-1", mark, program)
        // The other one has been quiet for longer.
        try waitForTake(1, place)
        #expect(place.checkpoints == ["000001-step-1"])
        try add("step-2", mark, program)
        try waitForTake(2, place)
        try add("step-3", "shard-1", program)
        try program.say("exit")
        #expect(try program.waitForEnd() == .exited(0))
        #expect(place.checkpoints == ["000001-step-1", "000002-step-2"])
        #expect(program.text(.errors).contains("out/step-3: not taken, as nothing in it fits"))
        #expect(try place.status().incomplete == ["out/step-3"])
        let status = try place.call(["status", "--state-dir", place.state, "it"])
        #expect(try status.waitForEnd() == .exited(0))
        #expect(status.lines(.output).contains("  incomplete   out/step-3"))
    }

    @Test("a directory that is to be quiet for long is taken at the end of the job at the latest")
    func longSettle() throws {
        let place = try Place()
        let program = try start(place, ["--watch-settle", "1h"])
        try add("step-2", "shard-1", program)
        try program.say("exit")
        #expect(try program.waitForEnd() == .exited(0))
        #expect(place.checkpoints == ["000001-step-2"])
    }
}
