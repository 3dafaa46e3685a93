import SuperviseHost
import SuperviseSystem
import Testing

@testable import supervise

@Suite("the options of how the job runs")
struct JobOptionsTests {
    @Test("those that may be given several times come together, in their order")
    func several() throws {
        let request = try request([
            "--env", "A=1", "--rlimit", "core=0", "--env=A=2", "--rlimit", "nofile=5:6", "--",
            "true",
        ])
        #expect(request.job.environment == ["A=1", "A=2"])
        #expect(request.job.process.limits.map(\.resource.name) == ["core", "nofile"])
        #expect(request.options["env"] == "A=1\nA=2")
        #expect(request.options["rlimit"] == "core=0\nnofile=5:6")
    }

    @Test("the environment has them on lines, and a file in a list")
    func elsewhere() throws {
        let place = place(
            ["SUPERVISE_ENV": "A=1\nB=2"], files: ["/work/c": #"{"rlimit": ["core=0", "cpu=9"]}"#])
        let request = try request(["--config", "c", "--", "true"], place)
        #expect(request.job.environment == ["A=1", "B=2"])
        #expect(request.job.process.limits.map(\.soft) == [0, 9])
    }

    @Test("a value with a line break would become two, and is refused")
    func lineBreak() {
        let place = place(files: ["/work/c": #"{"env": ["A=1\nB=2"]}"#])
        #expect(
            complaint(["--env", "A=1\nB=2", "--", "true"])?.message
                == "--env takes no value with a line break in it")
        #expect(
            complaint(["--config", "c", "--", "true"], place)?.message
                == "/work/c:1: \"env\" takes no value with a line break in it")
    }

    @Test("paths are recorded absolute, as a resume begins in the job's directory")
    func paths() throws {
        let request = try request([
            "--chdir", "sub", "--checkpoint-dir", "ck", "--state-dir", "~/s", "--", "true",
        ])
        #expect(request.directory == "/work/sub")
        #expect(
            request.options == [
                "chdir": "/work/sub", "checkpoint-dir": "/work/ck", "state-dir": "/home/ada/s",
            ])
    }

    @Test(
        "limits are numbers, sizes where they are counted in bytes, or none at all",
        arguments: [
            ("cpu=unlimited", UInt64.max), ("nofile=infinity", .max), ("AS=0", 0),
            ("stack=8MiB", 8 << 20), ("rlimit_nproc=18446744073709551614", .max - 1),
        ])
    func limits(text: String, soft: UInt64) throws {
        let request = try request(["--rlimit", text, "--", "true"])
        #expect(request.job.process.limits.map(\.soft) == [soft])
    }

    @Test(
        "what is no limit is refused",
        arguments: [
            "nofile", "nofile=", "=1", "files=1", "nofile=1:", "nofile=1:2:3", "nofile=2:1",
            "nofile=unlimited:5", "nofile=-1", "nofile=18446744073709551615", "cpu=1kB", "as=1x",
            "as=8", "stack=8MiB:9", "core=4096",
        ])
    func noLimits(text: String) {
        #expect(complaint(["--rlimit", text, "--", "true"])?.status == 125)
    }

    @Test(
        "what is no user is refused",
        arguments: ["", ":", "a:", ":b", "a:b:c", "a b", "a/b", "a\tb"])
    func noUsers(text: String) {
        #expect(
            complaint(["--user=\(text)", "--", "true"])?.message.contains("--user takes") == true)
    }
}
