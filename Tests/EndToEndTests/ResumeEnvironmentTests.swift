import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// `supervise resume` in another shell than the one that began the run.
@Suite("Resuming in another shell", .onStage)
struct ResumeEnvironmentTests {
    /// A program that only one shell finds, as in a virtual environment: it shows its variables, and is
    /// then a puppet.
    private func install(_ place: Place) throws -> [String: String] {
        let show =
            #"echo "env ${VIRTUAL_ENV-unset} ${LC_TIME-unset} ${MINE-unset} ${SECRET-unset}""#
        let path = try place.put("tool", "\(show)\nexec '\(place.fixture)' puppet\n")
        return path.merging(["VIRTUAL_ENV": "\(place.path)/venv", "SECRET": "s", "MINE": "m"]) {
            $1
        }
    }

    private func begin(_ place: Place, _ environment: [String: String]) throws {
        let program = try place.supervise(
            ["--keep-env", "MINE"], ["tool"], environment: environment, hasInput: true)
        try program.line(starting: "env \(place.path)/venv unset m s")
        try program.nextAttempt(1)
        try program.hello(accepts: false)
        try program.checkpoint(step: 1)
        try place.stop(program)
    }

    private func resume(
        _ place: Place, _ environment: [String: String] = [:]
    ) throws -> Program {
        try place.call(
            ["resume", Place.name, "--state-dir", place.state], environment: environment,
            hasInput: true)
    }

    @Test("a program that was found by the first shell's PATH is found again, with its variables")
    func resume() throws {
        let place = try Place()
        try begin(place, try install(place))
        let program = try resume(place, ["LC_TIME": "C", "SECRET": "t"])
        try program.line(starting: "env \(place.path)/venv unset m t")
        try program.nextAttempt(2)
        #expect(try program.hello(accepts: false).resume?.step == 1)
        try program.errorLine(
            with: "the job gets LC_TIME, MINE, PATH, VIRTUAL_ENV as the run began")
        try place.stop(program)
        #expect(try place.record().program == "\(place.path)/bin/tool")
        #expect(!(try place.directory.read("state/it/run.json").contains("SECRET")))
    }

    @Test("a resume in the same shell says nothing of variables")
    func sameShell() throws {
        let place = try Place()
        let environment = try install(place)
        try begin(place, environment)
        let program = try resume(place, environment)
        try program.nextAttempt(2)
        try place.stop(program)
        #expect(!program.text(.errors).contains("as the run began"))
    }

    @Test("the same command typed again uses the caller's program and variables, and records them")
    func sameCommand() throws {
        let place = try Place()
        try begin(place, try install(place))
        try Disk().rename("\(place.path)/bin", to: "\(place.path)/other")
        let path = "\(place.path)/other:\(place.environment["PATH"] ?? "")"
        let other = ["PATH": path, "VIRTUAL_ENV": "/other"]
        let program = try place.supervise([], ["tool"], environment: other, hasInput: true)
        try program.line(starting: "env /other unset unset unset")
        try program.nextAttempt(2)
        try place.stop(program)
        let record = try place.record()
        #expect(record.program == "\(place.path)/other/tool")
        #expect(record.environment?.value(of: "VIRTUAL_ENV") == "/other")
        #expect(record.environment?.values["MINE"] == nil)
    }

    @Test("a program that is gone is named before anything is changed, not tried five times")
    func gone() throws {
        let place = try Place()
        try begin(place, try install(place))
        try Disk().rename("\(place.path)/bin", to: "\(place.path)/other")
        let before = try place.fingerprint(of: place.state)
        let program = try resume(place)
        #expect(try program.waitForEnd() == .exited(125))
        #expect(program.lines(.errors).count == 1)
        #expect(
            program.text(.errors).contains("\(place.path)/bin/tool, the program of run it, is gone")
        )
        let call = "supervise --name it --state-dir \(place.state) "
        #expect(program.text(.errors).contains(call))
        #expect(program.text(.errors).hasSuffix(" -- tool\n"))
        #expect(try place.fingerprint(of: place.state) == before)
    }

    @Test("a program found by a relative PATH, or named by a relative path, is found from anywhere")
    func relative() throws {
        for (name, word) in [("a", "tool"), ("b", "./bin/tool")] {
            let place = try Place()
            var environment = try install(place)
            environment["PATH"] = "bin:\(place.environment["PATH"] ?? "")"
            let program = try place.supervise([], [word], environment: environment, hasInput: true)
            try program.nextAttempt(1)
            try place.stop(program)
            let expected = name == "a" ? "bin/tool" : "./bin/tool"
            #expect(try place.record().program == "\(place.path)/\(expected)")
            let line = "cd / && exec \"$@\""
            let again = try place.start(
                ["sh", "-c", line, "sh", place.binary, "resume", "it", "--state-dir", place.state],
                hasInput: true)
            try again.nextAttempt(2)
            try place.stop(again)
        }
    }

    @Test("--env counts more than what was kept, also for finding the program")
    func givenVariables() throws {
        let place = try Place()
        let path = try #require(try install(place)["PATH"])
        let program = try place.supervise(
            ["--env", "PATH=\(path)", "--env", "VIRTUAL_ENV=/given"], ["tool"], hasInput: true)
        try program.line(starting: "env /given")
        try program.nextAttempt(1)
        try place.stop(program)
        let again = try resume(place, ["VIRTUAL_ENV": "/caller"])
        try again.line(starting: "env /given")
        try again.nextAttempt(2)
        try place.stop(again)
    }
}
