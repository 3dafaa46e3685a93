import Testing

@testable import supervise

@Suite("The name of a unit's instance that systemd-escape has written")
struct NameHintTests {
    private let hint =
        "; that is my-run as systemd-escape writes it, and names of runs need no escapes: call the "
        + "unit supervise@my-run, and its configuration my-run.json"

    @Test("is explained where the unit's configuration is not found")
    func configuration() {
        let path = #"/etc/supervise/my\x2drun.json"#
        let call = ["--name", #"my\x2drun"#, "--config", path]
        let said = complaint(call)?.message ?? ""
        #expect(said.hasPrefix("cannot read the configuration file: ") && said.hasSuffix(hint))
        // And where somebody has given the file that name.
        let found = place([:], files: [path: #"{"command": ["true"]}"#])
        let other = complaint(call, found)
        #expect(other?.status == 125)
        #expect(
            other?.message
                == "--name takes 1 to 64 letters, digits and . _ -, the first a letter, a digit or _, "
                + #"not "my\x2drun""# + hint)
    }

    @Test("is explained to commands that take a name")
    func commands() throws {
        let runs = try RunsOnDisk()
        #expect(
            runs.refusal("status", [#"my\x2drun"#])?.message
                == #""my\x2drun" cannot be the name of a run"# + hint)
    }

    @Test("is no name of a run even without the escapes if it has other characters")
    func impossible() {
        let said = complaint(["--name", #"my\x20run"#, "--", "true"])?.message ?? ""
        #expect(
            said.hasSuffix(
                #"; that is "my run" as systemd-escape writes it: give the unit a name of letters, "#
                    + "digits and . _ -"))
    }

    @Test("is told from names that are wrong for another reason")
    func others() {
        #expect(complaint(["--name", "a b", "--", "true"])?.message.contains("escape") == false)
    }
}
