import SuperviseCore
import SuperviseFormats
import SuperviseHost
import SuperviseSystem
import Testing

@testable import supervise

@Suite("a configuration file")
struct ConfigurationTests {
    private func complaint(about text: String?) -> String? {
        let files = text.map { ["/etc/c.json": $0] } ?? [:]
        let call = ["--config", "/etc/c.json", "--", "true"]
        return CommandLineTests.complaint(call, place(files: files))?.message
    }

    private static let example = "a configuration is an object such as {\"keep-last\": 3}"

    @Test(
        "is refused with the line where it is wrong",
        arguments: [
            ("[1]", ":1: the line is no JSON object; \(Self.example)"),
            ("{\n", ":2: the line ends before the object is closed; \(Self.example)"),
            (
                "{\n\"keep-last\": 3\n\"quiet\": true}",
                ":3: the line wants a comma or a } before it after \"keep-last\"; \(Self.example)"
            ),
            (
                "{\"keep-last\": 3,\n}",
                ":2: the line has a comma before it that nothing follows; \(Self.example)"
            ),
            (
                "{\n\n\"keep-lst\": 3}",
                ":3: unknown key \"keep-lst\"; did you mean \"keep-last\"?"
            ),
            ("{\"keep_last\": 3}", ":1: unknown key \"keep_last\"; did you mean \"keep-last\"?"),
            ("{\"comand\": []}", ":1: unknown key \"comand\"; did you mean \"command\"?"),
            ("{\"gpus\": 3}", ":1: unknown key \"gpus\" (supervise run --help)"),
            ("{\"json\": true}", ":1: unknown key \"json\" (supervise run --help)"),
            (
                "{\"config\": \"b\"}",
                ":1: a configuration file cannot name another (\"config\")"
            ),
            (
                "{\"keep-last\": null}",
                ":1: \"keep-last\" takes a string, a number, or true or false"
            ),
            (
                "{\"keep-last\": [3]}",
                ":1: \"keep-last\" takes a string, a number, or true or false"
            ),
            (
                "{\n \"quiet\": true,\n \"keep-last\": 2.5}",
                ":3: \"keep-last\" takes a whole number from 1 to 999999999, not \"2.5\""
            ),
            (
                "{\"keep-last\": true}",
                ":1: \"keep-last\" takes a whole number from 1 to 999999999, not \"true\""
            ),
            (
                "{\"quiet\": true,\n\"keep-last\": 3,\n\"keep-last\": 4}",
                ":3: \"keep-last\" stands on line 2 already"
            ),
            (
                "{\"command\": \"python3 train.py\"}",
                ":1: \"command\" takes an array of its words, such as [\"python3\", \"train.py\"]"
            ),
            (
                "{\"command\": []}",
                ":1: \"command\" takes an array of its words, such as [\"python3\", \"train.py\"]"
            ),
            (
                "{\"command\": [\"a\", null]}",
                ":1: \"command\" takes a string, a number, or true or false"
            ),
            (
                "{\"command\": [\"\"]}",
                ":1: \"command\" begins with an empty word, which names no program"
            ),
            (
                "{\"watch\": {\"a\": 1}}",
                ":1: \"watch\" takes a string, a number, or true or false"
            ),
            (
                "{\"env\": [\"A=1\\n2\"]}", ":1: \"env\" takes no value with a line break in it"
            ),
        ])
    func refused(text: String, message: String) {
        #expect(complaint(about: text) == "/etc/c.json\(message)")
    }

    @Test("that is not there is named")
    func missing() {
        #expect(
            complaint(about: nil)
                == "cannot read the configuration file: open /etc/c.json: No such file or directory"
        )
    }

    @Test("holds numbers and truth values as well as strings")
    func values() throws {
        let surroundings = place(
            files: ["/work/c.json": #"{"keep-last": 3, "quiet": true, "capture": false}"#])
        let request = try request(["--config", "c.json", "--", "true"], surroundings)
        #expect(request.settings.retention.keepLast == 3)
        #expect(request.verbosity == .quiet)
        #expect(request.capture == nil)
    }

    @Test("holds several values of an option that may be given several times, and of no other")
    func arrays() throws {
        let files = [
            "/work/c.json": #"{"watch": ["a/*", "b"]}"#, "/work/d.json": #"{"keep-last": [1]}"#,
        ]
        let read = try request(["--config", "c.json", "--", "true"], place(files: files))
        #expect(read.settings.watch.map(\.text) == ["a/*", "b"])
        #expect(throws: Complaint.self) {
            try request(["--config", "d.json", "--", "true"], place(files: files))
        }
    }

    @Test("holds the variables of an object where NAME=VALUE is meant")
    func objects() throws {
        let file = #"{"env": {"B": "x=y", "A": 1}, "rlimit": {"nofile": 4096}}"#
        let read = try request(
            ["--config", "c.json", "--", "true"], place(files: ["/work/c.json": file]))
        #expect(read.job.environment == ["A=1", "B=x=y"])
        #expect(read.job.process.limits == [ResourceLimit(.nofile, soft: 4096, hard: 4096)])
        #expect(read.options["env"] == "A=1\nB=x=y")
    }

    @Test("names the command where none stands after --")
    func command() throws {
        let files = ["/work/c.json": #"{"command": ["python3", "a b.py", 7, true], "quiet": true}"#]
        let read = try request(["--config", "c.json"], place(files: files))
        #expect(read.command == ["python3", "a b.py", "7", "true"])
        #expect(read.options == ["quiet": "true"])
        let other = try request(["--config", "c.json", "--", "sh"], place(files: files))
        #expect(other.command == ["sh"])
        let variable = place(["SUPERVISE_CONFIG": "c.json"], files: files)
        #expect(try request(["run"], variable).command.first == "python3")
        let none = CommandLineTests.complaint(
            ["--config", "c.json"], place(files: ["/work/c.json": "{}"]))
        #expect(none?.message.hasPrefix("no command: /work/c.json has no \"command\"") == true)
    }

    @Test("may be empty")
    func empty() throws {
        let request = try request(
            ["--config", "c.json", "--", "true"], place(files: ["/work/c.json": "{}"]))
        #expect(request.options == [:])
    }
}
