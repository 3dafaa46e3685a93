import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Users who can change where root keeps the run of their job.
@Suite(
    "A user who wants root's rights", .onStage, .enabled(if: userId() == 0, "only root has them"))
struct PlaceAttackTests {
    private let place: Place
    private let fixture: String
    private static let job = ["--user", "65534:65533"]

    /// A place that everybody can pass through, and a fixture that everybody can execute.
    init() throws {
        place = try Place()
        fixture = "\(place.path)/fixture"
        try run("chmod 711 . r && install -m 755 '\(place.fixture)' '\(fixture)'")
    }

    /// A shell command as root, in the place.
    @discardableResult
    private func run(_ line: String) throws -> [String] {
        let program = try place.start(["sh", "-c", line])
        #expect(try program.waitForEnd() == .exited(0), "\(program.text(.errors))")
        return program.lines(.output)
    }

    /// A directory that another user can change, in each way, and what is said of it.
    static let weak: [(make: String, said: String)] = [
        ("install -d -o 65534 -m 755 d", "/d belongs to user nobody (65534)"),
        ("install -d -m 777 d", "/d may be written to by everybody (mode 777, of user root (0))"),
        ("install -d -g 65533 -m 775 d", "/d may be written to by group 65533 (mode 775"),
        ("install -d -o 65534 -m 1777 d", "/d belongs to user nobody (65534)"),
        (
            "install -d x && install -d -m 1777 t && ln -s ../x t/l && chown -h 65534 t/l && ln -s t/l d",
            "/t/l belongs to user nobody (65534)"
        ),
        (
            "install -d -o 65534 u && install -d u/x && ln -s u/x d",
            "/u belongs to user nobody (65534)"
        ),
        ("install -d d && install -d -o 65534 d/s", "/d/s belongs to user nobody (65534)"),
        (
            "install -d d d/s && install -d -o 65534 d/s/it",
            "/d/s/it belongs to user nobody (65534)"
        ),
    ]

    @Test(
        "is refused where the state or the checkpoints could be swapped", arguments: 0..<weak.count)
    func refused(index: Int) throws {
        let (make, said) = Self.weak[index]
        try run(make)
        let before = try place.fingerprint(of: place.path)
        for option in ["--state-dir", "--checkpoint-dir"] {
            let state = option == "--state-dir" ? [] : ["--state-dir", place.state]
            let program = try place.call(
                state + ["--name", "it", option, "\(place.path)/d/s", "--chdir", "/"] + Self.job
                    + ["--", "touch", "\(place.path)/ran"])
            #expect(try program.waitForEnd() == .exited(125))
            let line = try program.errorLine(with: "with --user, root keeps nothing below")
            for words in [said, "install -d -m 711 ", ".supervise", option, "systemctl --user"] {
                #expect(line.contains(words), "\(words): \(line)")
            }
            #expect(try place.fingerprint(of: place.path) == before)
        }
    }

    @Test("is warned of, once, where the job is root itself", arguments: [0, 1, 2])
    func warned(index: Int) throws {
        let (make, said) = Self.weak[index]
        try run(make)
        let program = try place.call(
            ["--state-dir", "\(place.path)/d/s", "--name", "it", "--", "true"])
        #expect(try program.waitForEnd() == .exited(0))
        let lines = program.lines(.errors).filter { $0.contains(said) }
        #expect(lines.count == 1, "\(program.text(.errors))")
    }

    @Test("gets a run below a sticky directory, or one that root has made beside the other")
    func sticky() throws {
        try run(
            "install -d -o 65534 home && install -d -m 711 home.supervise && install -d -m 1777 t")
        for state in ["home.supervise/s", "t/s"] {
            let program = try place.call(
                ["--state-dir", "\(place.path)/\(state)", "--name", "it", "--chdir", "/"] + Self.job
                    + ["--", "id", "-u"])
            #expect(try program.waitForEnd() == .exited(0), "\(program.text(.errors))")
            #expect(program.lines(.output) == ["65534"])
        }
    }

    @Test("who swaps the state for a link while the job runs gets nothing of root's")
    func renamedWhileRunning() throws {
        let program = try place.supervise(
            ["--chdir", "/"] + Self.job, [fixture, "puppet"], hasInput: true)
        try program.nextAttempt(nil)
        try program.hello(accepts: false)
        // As if the directory above had become the user's: what root works on has its shape.
        try run(
            "mv state moved && mkdir -m 700 precious precious/it precious/it/staging "
                + "precious/it/checkpoints precious/it/trash && ln -s precious state")
        let look = "find precious -printf '%P %y %m %U:%G\\n' | sort"
        let before = try run(look)
        let began = try program.begin(step: 1, files: [:])
        try program.send(.abort(.init(id: began.id)))
        _ = try program.message()
        #expect(try run(look) == before)
        #expect(try run("stat -c %u:%a moved/it/staging") == ["0:710"])
        try run("rm state && mv moved state")
        try place.stop(program)
    }

    @Test("nor who swaps a directory of checkpoints that its first run has made")
    func renamedInFirstRun() throws {
        let program = try place.supervise(
            ["--checkpoint-dir", "\(place.path)/new/c", "--chdir", "/"] + Self.job,
            [fixture, "puppet"], hasInput: true)
        try program.nextAttempt(nil)
        try program.hello(accepts: false)
        try run(
            "mv new/c moved && mkdir -m 700 precious precious/it precious/it/staging "
                + "precious/it/checkpoints precious/it/trash && ln -s ../precious new/c")
        let look = "find precious -printf '%P %y %m %U:%G\\n' | sort"
        let before = try run(look)
        let began = try program.begin(step: 1, files: [:])
        try program.send(.abort(.init(id: began.id)))
        _ = try program.message()
        #expect(try run(look) == before)
        #expect(try run("stat -c %u:%a moved/it/staging") == ["0:710"])
        try run("rm new/c && mv moved new/c")
        try place.stop(program)
    }

    @Test("a record that is another user's is not run by root, and can be read and moved")
    func swappedState() throws {
        try place.stoppedRun(saving: [1])
        try run("cp -a state/it kept && chown -R 65534 state/it")
        let resumed = try place.call(["resume", "it", "--state-dir", place.state])
        #expect(try resumed.waitForEnd() == .exited(125))
        let line = try resumed.errorLine(with: "/state/it/run.json belongs to user nobody (65534)")
        #expect(line.contains("as that user") && line.contains("chown -R root "))
        for options in [[], ["--fresh"], Self.job + ["--chdir", "/"]] {
            let again = try place.supervise(options, ["touch", "\(place.path)/ran"])
            #expect(try again.waitForEnd() == .exited(125), "\(again.text(.errors))")
            #expect(again.text(.errors).contains("belongs to user nobody (65534)"))
        }
        #expect(!pathExists("\(place.path)/ran"))
        for command in [
            ["list"], ["status", "it"], ["events", "it"], ["checkpoints", "it", "list"],
        ] {
            let read = try place.call(command + ["--state-dir", place.state])
            #expect(try read.waitForEnd() == .exited(0), "\(command): \(read.text(.errors))")
        }
        let export = try place.call(
            ["checkpoints", "it", "export", "1", "\(place.path)/out", "--state-dir", place.state])
        #expect(try export.waitForEnd() == .exited(0), "\(export.text(.errors))")
        let doctor = try place.call(["doctor", "it", "--state-dir", place.state])
        #expect(try doctor.waitForEnd() == .exited(1))
        #expect(doctor.text(.output).contains("run.json belongs to user nobody (65534)"))
        try run("mkdir new && mv state/it new/it && chown -R root new/it")
        let moved = try place.call(
            ["resume", "it", "--state-dir", "\(place.path)/new"], hasInput: true)
        try moved.nextAttempt(2)
        try place.stop(moved)
    }

    @Test("root changes nothing of a run that another user could have swapped")
    func keepers() throws {
        // Lost, so that there is something to settle.
        let program = try place.puppet()
        try program.hello(accepts: false)
        for step in [1, 2] as [Int64] { try program.checkpoint(step: step) }
        try place.killWithGuard(program)
        try run("install -d -o 65534 home && mv state home/state && mkdir spare")
        let before = try place.fingerprint(of: "\(place.path)/home")
        for command in [["prune", "it"], ["checkpoints", "it", "pin", "1"], ["settle", "it"]] {
            let call = try place.call(command + ["--state-dir", "\(place.path)/home/state"])
            #expect(try call.waitForEnd() == .exited(125), "\(call.text(.errors))")
            #expect(call.text(.errors).contains("/home belongs to user nobody (65534)"))
        }
        #expect(try place.fingerprint(of: "\(place.path)/home") == before)
        let doctor = try place.call(["doctor", "--state-dir", "\(place.path)/home/state"])
        _ = try doctor.waitForEnd()
        #expect(doctor.text(.output).contains("/home belongs to user nobody (65534)"))
    }

    @Test(
        "a lock that is a link, or has another name, is not written to", arguments: ["ln -s", "ln"])
    func lock(link: String) throws {
        let secret = try place.directory.write("secret", "s3cret")
        try run("mkdir -p state/.locks && \(link) '\(secret)' state/.locks/it")
        let program = try place.supervise([], ["true"])
        #expect(try program.waitForEnd() == .exited(125))
        #expect(try place.directory.read("secret") == "s3cret")
    }

    @Test("a directory for sockets that is another user's is passed over")
    func sockets() throws {
        try run("install -d -o 65534 -m 700 runtime")
        let program = try place.supervise(
            ["--chdir", "/"] + Self.job, [fixture, "puppet"],
            environment: ["XDG_RUNTIME_DIR": "\(place.path)/runtime"], hasInput: true)
        try program.nextAttempt(nil)
        try program.hello(accepts: false)
        #expect(try Disk().list("\(place.path)/runtime").isEmpty)
        try place.stop(program)
    }

    @Test("what its job puts into staging is never followed, whatever it is")
    func staging() throws {
        let secret = try place.directory.write("secret", "s3cret")
        let outside = try place.directory.makeDirectory("outside")
        try place.directory.write("outside/kept", "kept")
        let look =
            "find secret outside -printf '%p %y %m %U:%G %s\\n' | sort; cat secret outside/kept"
        let before = try run(look)
        let program = try place.supervise(
            ["--chdir", "/"] + Self.job, [fixture, "puppet"], hasInput: true)
        try program.nextAttempt(nil)
        try program.hello(accepts: false)
        let tricks = [
            "ln -s '\(secret)' l", "ln -s '\(outside)' l", "mkfifo l",
            "mkdir l && chmod 0 l", "mkdir -p a/b && ln -s '\(outside)' a/b/l",
            "ln -s . l", "mkdir a && ln -s ../a a/l",
        ]
        for trick in tricks {
            for ends in ["commit", "abort"] {
                try program.send(.begin(.init(step: nil)))
                let began = try program.began()
                let line = "cd '\(began.path)' && echo x > state && \(trick) ; echo tricked"
                try program.say("run \(line)")
                try program.line(starting: "tricked")
                if ends == "commit" {
                    try program.send(.commit(.init(id: began.id)))
                } else {
                    try program.send(.abort(.init(id: began.id)))
                }
                _ = try program.message()
                #expect(try run(look) == before, "\(trick), \(ends)")
            }
        }
        try place.stop(program)
        #expect(try run(look) == before)
    }

    @Test("a manifest that another user wrote has root remove nothing elsewhere")
    func forgedManifest() throws {
        let program = try place.supervise([], [fixture, "puppet"], hasInput: true)
        try program.nextAttempt(nil)
        try program.hello(accepts: false)
        try place.directory.write("mine", "mine")
        try program.send(.add(.init(path: "\(place.path)/mine", mode: "own")))
        let id = try program.committed().id
        _ = try program.checkpoint(step: 9, files: ["state": "x"])
        try place.stop(program)
        try run("chown 65534 'state/it/checkpoints/\(id)/manifest.json'")
        let delete = try place.call(
            ["checkpoints", "it", "delete", id.description, "--state-dir", place.state])
        #expect(try delete.waitForEnd() == .exited(0), "\(delete.text(.errors))")
        #expect(try place.directory.read("mine") == "mine")
        #expect(!place.checkpoints.contains(id.description))
    }
}
