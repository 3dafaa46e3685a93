import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite("How the job runs", .onStage)
struct JobSettingsTests {
    private let place: Place

    init() throws { place = try Place() }

    /// What an attempt finds, one line for each.
    private let report = """
        echo "dir $(pwd)"; echo "mask $(umask)"; echo "nice $(nice)"; echo "one $ONE two $TWO"
        echo "files $(ulimit -Sn) $(ulimit -Hn) core $(ulimit -Sc)"; echo "end $SUPERVISE_ATTEMPT"
        """

    @Test("its directory, variables, umask, niceness and limits hold for each attempt and a resume")
    func all() throws {
        let work = try place.directory.makeDirectory("work")
        let script = try place.directory.write("job", report + "\nexit $CODE\n")
        let options = [
            "--chdir", "work", "--env", "ONE=1=2 3", "--env", "TWO=", "--env", "ONE=last\u{e4}",
            "--env", "CODE=3", "--umask", "0027", "--nice", "7", "--rlimit", "nofile=99:101",
            "--rlimit", "core=0", "--max-failures", "2",
        ]
        let program = try place.supervise(
            options, ["sh", script], environment: ["TWO": "ours", "ONE": "ours"])
        #expect(try program.waitForEnd() == .exited(3))
        let expected = [
            "dir \(work)", "mask 0027", "nice 7", "one last\u{e4} two ", "files 99 101 core 0",
        ]
        #expect(program.lines(.output) == expected + ["end 1"] + expected + ["end 2"])
        #expect(try place.record().directory == work)

        // From anywhere, with any environment.
        let resumed = try place.start(
            ["sh", "-c", "cd / && umask 0 && exec \"$@\"", "sh", place.binary, "resume", "it"]
                + ["--state-dir", place.state], environment: ["ONE": "other"])
        #expect(try resumed.waitForEnd() == .exited(3))
        #expect(resumed.lines(.output).prefix(6) == (expected + ["end 3"])[...])
    }

    @Test("the directory is the run's: its name and the patterns of --watch go by it")
    func directory() throws {
        let work = try place.directory.makeDirectory("work")
        let job = ["sh", "-c", "mkdir -p out; echo state > part; mv part out/state-5"]
        let options = ["--state-dir", place.state, "--watch", "out/state-*"]
        let elsewhere = try place.call(options + ["--chdir", "work", "--"] + job)
        #expect(try elsewhere.waitForEnd() == .exited(0))
        let there = try place.start(
            ["sh", "-c", "cd \"$1\"; shift; exec \"$@\"", "sh", work, place.binary] + options
                + ["--"] + job)
        #expect(try there.waitForEnd() == .exited(0))
        let names = try Disk().list(place.state).map(\.name).filter { !$0.hasPrefix(".") }
        #expect(names.count == 1)
        let run = try #require(names.first)
        #expect(try Disk().list(place.file("checkpoints", of: run)).count == 1)
    }

    @Test("checkpoints that were put beside the caller are found again from the job's directory")
    func relativeCheckpoints() throws {
        _ = try place.directory.makeDirectory("work")
        let options = ["--chdir", "work", "--checkpoint-dir", "kept"]
        let program = try place.puppet(options)
        try program.hello(accepts: false)
        let made = try program.checkpoint(step: 3)
        #expect(made.path.hasPrefix("\(place.path)/kept/"))
        try place.stop(program)
        let resumed = try place.call(
            ["resume", "it", "--state-dir", place.state], hasInput: true)
        try resumed.nextAttempt(2)
        try resumed.errorLine(with: "resuming from \(made.id)")
        try place.stop(resumed)
    }

    @Test(
        "what cannot be is said before anything is changed",
        arguments: [
            (["--chdir", "/no/such"], "--chdir /no/such: No such file or directory"),
            (["--chdir", "/etc/passwd"], "--chdir /etc/passwd: Not a directory"),
            (["--rlimit", "nofile=4000000000"], "--rlimit nofile cannot be set"),
            (["--user", "no-such-user"], "there is no user no-such-user"),
            (["--user", "root:no-such-group"], "there is no group no-such-group"),
            (["--user", "4294967294"], "its group is to be given too"),
            (["--env", "NAME"], "--env takes a variable"),
            (["--env", "SUPERVISE_X=1"], "--env takes a variable"),
            (["--env", "A=1\nB=2"], "--env takes no value with a line break"),
            (["--umask", "8"], "--umask takes up to four octal digits"),
            (["--nice", "20"], "--nice takes a whole number"),
        ])
    func refused(options: [String], message: String) throws {
        guard userId() == 0 || options[0] != "--user" else { return }
        let program = try place.supervise(options, ["true"])
        #expect(try program.waitForEnd() == .exited(125))
        #expect(program.text(.errors).contains(message), "\(program.text(.errors))")
        #expect(program.lines(.errors).count == 1)
        #expect(!pathExists(place.state))
    }

    @Test("descriptors that our starter closed are the job's as /dev/null, and none of our files'")
    func closedDescriptors() throws {
        let out = "\(place.path)/out"
        let job =
            "for n in 0 1 2; do readlink /proc/$$/fd/$n; done > '\(out)'; ls /proc/$$/fd >> '\(out)'"
        for closed in ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"] {
            let program = try place.start(
                ["sh", "-c", "exec \"$@\" \(closed)", "sh", place.binary]
                    + place.arguments(["--fresh"]) + ["sh", "-c", "exec 9<&-; \(job)"])
            #expect(try program.waitForEnd() == .exited(0))
            let lines = try place.directory.read("out").split(separator: "\n").map(String.init)
            for (number, line) in lines.prefix(3).enumerated() {
                // Where it was closed; the redirection of the loop is the job's own standard output.
                let isClosed = closed.contains("\(number)<") || closed.contains("\(number)>")
                if isClosed, number != 1 { #expect(line == "/dev/null") }
                #expect(!line.contains(place.state))
            }
            #expect(try place.record().outcome?.kind == .completed)
        }
    }
}
