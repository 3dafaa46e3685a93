import SuperviseSystem
import TestSupport
import Testing

/// Links on the way to the state, such as `/var/lib/supervise` that leads to a larger disk.
@Suite("State and checkpoints behind a symbolic link", .onStage)
struct LinkedStateTests {
    private let place: Place

    init() throws {
        place = try Place()
        try place.shell("mkdir disk && ln -s disk link")
    }

    /// Ends with 0 twice, and is found by the second start.
    private func expectRuns(_ options: [String]) throws {
        for attempt in 1...2 {
            let status = attempt == 1 ? 3 : 0
            let script = "[ $SUPERVISE_ATTEMPT = \(attempt) ] && exit \(status)"
            let program = try place.start(
                [place.binary, "--name", "it", "--max-failures", "1"] + options
                    + ["--", "sh", "-c", script])
            #expect(
                try program.waitForEnd() == .exited(Int32(status)),
                "\(options): \(program.text(.errors))")
        }
    }

    @Test(
        "a run begins and goes on in a state directory that is a link, or is made below one",
        arguments: ["link", "link/state", "link/made/state"])
    func state(path: String) throws {
        try expectRuns(["--state-dir", path])
        #expect(pathExists("\(place.path)/\(path)/it/run.json"))
    }

    @Test(
        "checkpoints are kept in a directory that is a link, or is made below one",
        arguments: ["link", "link/kept", "link/made/kept"])
    func checkpoints(path: String) throws {
        try expectRuns(["--state-dir", "state", "--checkpoint-dir", path])
        #expect(pathExists("\(place.path)/\(path)/it/checkpoints"))
    }

    @Test(
        "a link that leads nowhere is refused with what to do, and nothing is made",
        arguments: ["link", "link/state"])
    func dangling(path: String) throws {
        try place.shell("rmdir disk")
        for words in [["--name", "it"], ["init", "it"]] {
            let command = words[0] == "init" ? [] : ["--", "true"]
            let program = try place.start(
                [place.binary] + words + ["--state-dir", path] + command)
            #expect(try program.waitForEnd() == .exited(125))
            let said = program.text(.errors)
            #expect(said.contains("a link that leads nowhere; mount its disk"), "\(said)")
        }
        #expect(!pathExists("\(place.path)/disk"))
    }

    @Test("supervise init makes a run behind a link", arguments: ["link", "link/made/state"])
    func initialise(path: String) throws {
        let made = try place.start([place.binary, "init", "it", "--state-dir", path])
        #expect(try made.waitForEnd() == .exited(0), "\(made.text(.errors))")
        try expectRuns(["--state-dir", path, "--require-state"])
    }
}

/// A start with `--user` in directories that root has made.
@Suite(
    "A first start as another user, after supervise init", .onStage,
    .enabled(if: userId() == 0, "only root can do that"))
struct InitialisedForUserTests {
    @Test("gets through the directories that supervise init has made on the way")
    func passes() throws {
        let place = try Place()
        try place.shell("chmod 711 .")
        let options = [
            "--state-dir", "\(place.path)/a/b/state", "--checkpoint-dir", "\(place.path)/c/d/kept",
        ]
        let made = try place.start([place.binary, "init", "it"] + options)
        #expect(try made.waitForEnd() == .exited(0), "\(made.text(.errors))")
        let program = try place.start(
            [place.binary, "--name", "it", "--user", "65534:65534", "--require-state"] + options
                + ["--", "id", "-u"])
        #expect(try program.waitForEnd() == .exited(0), "\(program.text(.errors))")
        #expect(program.lines(.output) == ["65534"])
    }

    @Test("finds no directory that supervise init opened where another user may change the path")
    func keepsShut() throws {
        let place = try Place()
        try place.shell("install -d -o 65534 home")
        let state = "\(place.path)/home/made/state"
        let made = try place.start([place.binary, "init", "it", "--state-dir", state])
        #expect(try made.waitForEnd() == .exited(0), "\(made.text(.errors))")
        #expect(try Disk().status("\(place.path)/home/made").mode == 0o700)
        #expect(try Disk().status(state).mode == 0o700)
    }
}
