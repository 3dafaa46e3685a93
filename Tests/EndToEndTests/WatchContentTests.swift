import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Programs such as NAMD, LAMMPS and GROMACS keep their last states under other names.
@Suite("A new name for content that was taken", .onStage)
struct WatchContentTests {
    /// How a program keeps its last state before it writes the next one.
    struct Rotation: Sendable, CustomTestStringConvertible {
        var name: String
        var line: String
        var isDirectory = false
        var mode = AddMode.copy
        var globs = ["out/state*"]

        var testDescription: String { "\(name), \(mode), \(globs.count) globs" }

        static let move = "mv out/state out/state.old 2>/dev/null"
        static let moveTwice = "mv out/state.old out/state.older 2>/dev/null; \(move)"
        static let copy = "cp out/state out/state.old 2>/dev/null"
        static let copyTwice = "cp out/state.old out/state.older 2>/dev/null; \(copy)"
        static let copyTree =
            "rm -rf out/state.old; cp -r out/state out/state.old; rm -rf out/state"
        static let moveTree = "rm -rf out/state.old; \(move)"
        static let two = ["out/state", "out/state.old"]

        static let all: [Rotation] =
            [
                .init(name: "mv", line: move), .init(name: "mv", line: move, globs: two),
                .init(name: "three generations by mv", line: moveTwice),
                .init(name: "cp", line: copy), .init(name: "cp", line: copy, globs: two),
                .init(name: "cp -p", line: "cp -p out/state out/state.old 2>/dev/null"),
                .init(name: "three generations by cp", line: copyTwice),
                .init(name: "ln", line: "ln -f out/state out/state.old 2>/dev/null"),
                .init(
                    name: "ln", line: "ln -f out/state out/state.old 2>/dev/null", globs: two),
                .init(name: "mv of a directory", line: moveTree, isDirectory: true),
                .init(name: "cp -r of a directory", line: copyTree, isDirectory: true),
            ]
            + AddMode.allCases.filter { $0 != .copy }.flatMap { mode in
                [move, copy].map { Rotation(name: String($0.prefix(2)), line: $0, mode: mode) }
            }

        /// Saves under another name first.
        func save(_ number: Int) -> String {
            isDirectory
                ? "mkdir -p out/part && echo state of \(number) > out/part/x && mv out/part out/state"
                : "echo state of \(number) > out/part && mv out/part out/state"
        }

        var options: [String] {
            globs.flatMap { ["--watch", $0] } + [
                "--watch-mode", mode.rawValue, "--keep-last", "20",
            ]
        }
    }

    @Test("is no new checkpoint", arguments: Rotation.all)
    func rotated(rotation: Rotation) throws {
        let scene = try WatchScene(rotation.options)
        for number in 1...3 {
            try scene.run("\(rotation.line); \(rotation.save(number))")
            try scene.waitForCheckpoints(number)
        }
        try scene.run(rotation.line)
        try scene.stop()
        if rotation.mode.leavesOriginal {
            // What is kept under another name is taken beside the one that may be written over.
            let contents = try scene.contents()
            #expect(contents.last == "state of 3", "\(contents)")
        } else {
            #expect(try scene.contents() == (1...3).map { "state of \($0)" })
        }
        #expect(try scene.failures() == 0)
        #expect(try scene.place.status().requests == .init())
    }

    @Test("is none either where the next state follows at once", arguments: Rotation.all.prefix(8))
    func atOnce(rotation: Rotation) throws {
        let scene = try WatchScene(rotation.options)
        let all = (1...6).map { "\(rotation.line); \(rotation.save($0))" }
        try scene.run(all.joined(separator: "; "))
        try scene.stop()
        let contents = try scene.contents()
        #expect(contents.last == "state of 6", "\(contents)")
        #expect(contents == Set(contents).sorted(), "an older one has a higher number")
        #expect(try scene.failures() == 0)
    }

    @Test("answers no request, also the final one", arguments: Rotation.all.prefix(8))
    func answersNothing(rotation: Rotation) throws {
        let scene = try WatchScene(
            rotation.options + ["--request-signal", "USR1", "--checkpoint-signal", "none"])
        try scene.run(rotation.save(1))
        try scene.waitForCheckpoints(1)
        try scene.program.signal(15)
        try scene.program.line(starting: "signal SIGUSR1")
        try scene.run(rotation.line)
        // Longer than it waits after a close.
        #expect(try !scene.program.passes(.milliseconds(700)))
        #expect(try scene.place.statusOverSocket().requests.committed == 0)
        try scene.run(rotation.save(2))
        try scene.program.line(starting: "signal SIGTERM")
        try scene.program.say("exit 0")
        #expect(try scene.program.waitForEnd() == .signaled(15))
        #expect(try scene.contents() == ["state of 1", "state of 2"])
        let last = try #require(scene.place.checkpoints.last)
        #expect(try scene.place.manifest(last).reason == .shutdown)
        #expect(try scene.place.status().requests.committed == 1)
    }

    @Test("is gone on from where the payload stays in place, and its own name is given away")
    func keptBeside() throws {
        let scene = try WatchScene(["--watch", "out/state*", "--watch-mode", "own"])
        try scene.run("echo state of 1 > out/part && mv out/part out/state")
        try scene.waitForCheckpoints(1)
        try scene.run("mv out/state out/state.old")
        try scene.waitForCheckpoints(2)
        try scene.program.say("die SIGKILL")
        try scene.program.nextAttempt(2)
        try scene.program.say("run cat $SUPERVISE_CHECKPOINT")
        try scene.program.line(starting: "state of 1")
        try scene.stop()
    }

    /// How a symbolic link leads to the directory that is watched.
    enum Linked: String, CaseIterable {
        case itself, above, fittedByWildcard

        var commands: String {
            switch self {
            case .itself: "mkdir real; ln -s real out"
            case .above: "mkdir -p store/out; ln -s store link"
            case .fittedByWildcard: "mkdir -p store/out runs; ln -s ../store/out runs/now"
            }
        }

        /// As it is watched, and as it is.
        var directories: (watched: String, real: String) {
            switch self {
            case .itself: ("out", "real")
            case .above: ("link/out", "store/out")
            case .fittedByWildcard: ("runs/now", "store/out")
            }
        }

        var glob: String {
            self == .fittedByWildcard ? "runs/*/state*" : directories.watched + "/state*"
        }
    }

    private func prepared(_ commands: String) throws -> Place {
        let place = try Place()
        let shell = try place.start(["sh", "-c", commands])
        #expect(try shell.waitForEnd() == .exited(0))
        return place
    }

    private func dies(_ scene: WatchScene, andFinds text: String) throws {
        try scene.program.say("die SIGKILL")
        try scene.program.nextAttempt(2)
        try scene.program.say("run cat $SUPERVISE_CHECKPOINT")
        try scene.program.line(starting: text)
        try scene.stop()
    }

    @Test(
        "is gone on from where a link leads to the directory of a payload that stays in place",
        arguments: Linked.allCases, [AddMode.own, .reference])
    func keptBesideBehindLink(linked: Linked, mode: AddMode) throws {
        let scene = try WatchScene(
            ["--watch", linked.glob, "--watch-mode", mode.rawValue],
            in: try prepared(linked.commands))
        let (out, real) = linked.directories
        try scene.run("echo state of 1 > \(real)/part && mv \(out)/part \(out)/state")
        try scene.waitForCheckpoints(1)
        try scene.run("mv \(out)/state \(out)/state.old")
        try scene.waitForCheckpoints(2)
        try dies(scene, andFinds: "state of 1")
        #expect(try scene.failures() == 0)
    }

    @Test(
        "is none where a link leads elsewhere from now on, and what it leads to then is taken",
        arguments: ["mv -T out/new out/now", "rm out/now; mv out/new out/now"],
        [AddMode.copy, .own, .reference])
    func linkTurned(how: String, mode: AddMode) throws {
        let scene = try WatchScene(
            ["--watch", "out/*/state*", "--watch-mode", mode.rawValue],
            in: try prepared("mkdir -p out store/a store/b; ln -s ../store/a out/now"))
        try scene.run("echo state of 1 > store/a/part && mv store/a/part store/a/state")
        try scene.waitForCheckpoints(1)
        try scene.run("echo state of 2 > store/b/part && mv store/b/part store/b/state")
        try scene.run("ln -s ../store/b out/new; \(how)")
        try scene.waitForCheckpoints(2)
        try dies(scene, andFinds: "state of 2")
        let contents = try scene.contents()
        #expect(contents == ["state of 1", "state of 2"], "\(contents)")
    }

    @Test("is gone on from where the directory itself is moved, and the link follows it")
    func linkFollows() throws {
        let scene = try WatchScene(
            ["--watch", "out/now/state*", "--watch-mode", "reference"],
            in: try prepared("mkdir -p out store/a; ln -s ../store/a out/now"))
        try scene.run("echo state of 1 > store/a/part && mv store/a/part store/a/state")
        try scene.waitForCheckpoints(1)
        try scene.run("mv store/a store/b; ln -s ../store/b out/new; mv -T out/new out/now")
        try scene.waitForCheckpoints(2)
        try dies(scene, andFinds: "state of 1")
    }

    @Test(
        "does not come back as the newest checkpoint once its own was removed",
        arguments: ["cp", "cp -p"])
    func removed(how: String) throws {
        let scene = try WatchScene(["--watch", "out/state*", "--keep-last", "1"])
        func save(_ number: Int) throws {
            try scene.run(
                "echo state of \(number) > out/part; cp out/part kept.\(number); "
                    + "mv out/part out/state")
            try waitForChange(in: scene.place.file("checkpoints")) {
                try scene.place.checkpoints.count == 1
                    && scene.contents() == ["state of \(number)"]
            }
        }
        for number in 1...2 { try save(number) }
        try scene.run("\(how) kept.1 out/state.older")
        try save(3)
        try scene.run("\(how) kept.2 out/part && mv out/part out/state.old")
        try scene.stop()
        #expect(try scene.contents() == ["state of 3"])
        let committed = try scene.place.events().count {
            if case .checkpointCommitted = $0 { true } else { false }
        }
        #expect(committed == 3)
    }

    @Test("counts as an answer where the job wrote the same anew in the same place")
    func writtenAnew() throws {
        let scene = try WatchScene(
            ["--watch", "out/state*", "--request-signal", "USR1", "--checkpoint-signal", "none"])
        try scene.run("echo same > out/part && mv out/part out/state")
        try scene.waitForCheckpoints(1)
        let call = ["checkpoint", "--state-dir", scene.place.state, "it"]
        let asked = try scene.place.call(call)
        try scene.program.line(starting: "signal SIGUSR1")
        try scene.run("echo same > out/part && mv out/part out/state")
        #expect(try asked.waitForEnd() == .exited(0), "\(asked.text(.errors))")
        try scene.waitForCheckpoints(2)
        try scene.place.stopByControl(scene.program)
        #expect(try scene.contents() == ["same", "same"])
    }

    @Test("is taken where the name tells a higher step")
    func higherStep() throws {
        let scene = try WatchScene(["--watch", "out/state-*"])
        try scene.run("echo same > out/part && mv out/part out/state-1")
        try scene.waitForCheckpoints(1)
        try scene.run("cp out/state-1 out/part && mv out/part out/state-2")
        try scene.waitForCheckpoints(2)
        // And back again: no name of an older step.
        try scene.run("cp out/state-1 out/state-0")
        try scene.stop()
        #expect(scene.place.checkpoints == ["000001-step-1", "000002-step-2"])
    }

    @Test("is known again by the next supervisor", arguments: ["mv", "cp"])
    func nextSupervisor(how: String) throws {
        let options = ["--watch", "out/state*"]
        let scene = try WatchScene(options)
        try scene.run("echo state of 1 > out/part && mv out/part out/state")
        try scene.waitForCheckpoints(1)
        try scene.run("\(how) out/state out/state.old")
        try scene.program.signal(9)
        #expect(try scene.program.waitForEnd() == .signaled(9))
        let again = try WatchScene(options, in: scene.place)
        try again.run("cp out/state.old out/state.older")
        try again.run("echo state of 2 > out/part && mv out/part out/state")
        try again.waitForCheckpoints(2)
        try again.stop()
        #expect(try again.contents() == ["state of 1", "state of 2"])
    }
}
