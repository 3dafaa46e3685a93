import SuperviseCore
import SuperviseFormats
import SuperviseHost
import Testing

@testable import supervise

@Suite("a configuration file")
struct ConfigurationTests {
    private func complaint(about text: String?) -> String? {
        let files = text.map { ["/etc/c.json": $0] } ?? [:]
        let call = ["--config", "/etc/c.json", "--", "true"]
        return CommandLineTests.complaint(call, place(files: files))?.message
    }

    @Test(
        "is refused where it is none",
        arguments: [
            (
                "[1]",
                "/etc/c.json: not a JSON object; a configuration is an object such as "
                    + "{\"keep-last\": 3}"
            ),
            (
                "{",
                "/etc/c.json: not valid JSON; a configuration is an object such as "
                    + "{\"keep-last\": 3}"
            ),
            (
                "{\"keep-lst\": 3}",
                "/etc/c.json: unknown key \"keep-lst\"; did you mean \"keep-last\"?"
            ),
            (
                "{\"keep_last\": 3}",
                "/etc/c.json: unknown key \"keep_last\"; did you mean \"keep-last\"?"
            ),
            ("{\"gpus\": 3}", "/etc/c.json: unknown key \"gpus\" (supervise run --help)"),
            ("{\"json\": true}", "/etc/c.json: unknown key \"json\" (supervise run --help)"),
            (
                "{\"config\": \"b\"}",
                "/etc/c.json: a configuration file cannot name another (\"config\")"
            ),
            (
                "{\"keep-last\": null}",
                "/etc/c.json: \"keep-last\" takes a string, a number, or true or false"
            ),
            (
                "{\"keep-last\": [3]}",
                "/etc/c.json: \"keep-last\" takes a string, a number, or true or false"
            ),
            (
                "{\"keep-last\": 2.5}",
                "/etc/c.json: \"keep-last\" takes a whole number from 1 to 999999999, not \"2.5\""
            ),
            (
                "{\"keep-last\": true}",
                "/etc/c.json: \"keep-last\" takes a whole number from 1 to 999999999, not \"true\""
            ),
        ])
    func refused(text: String, message: String) {
        #expect(complaint(about: text) == message)
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
            files: ["/work/c.json": #"{"keep-last": 3, "quiet": true, "fresh": false}"#])
        let request = try request(["--config", "c.json", "--", "true"], surroundings)
        #expect(request.settings.retention.keepLast == 3)
        #expect(request.verbosity == .quiet)
        #expect(!request.fresh)
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

    @Test("may be empty")
    func empty() throws {
        let request = try request(
            ["--config", "c.json", "--", "true"], place(files: ["/work/c.json": "{}"]))
        #expect(request.options == [:])
    }
}
