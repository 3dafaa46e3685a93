import SuperviseHost
import Testing

@testable import supervise

@Suite("Variables that look like one of an option")
struct StrayVariableTests {
    private func notes(_ environment: [String: String]) throws -> [String] {
        try request(["--", "true"], place(environment)).notes
    }

    @Test(
        "a near miss is reported, with the right one",
        arguments: [
            ("SUPERVISE_KEEPLAST", "SUPERVISE_KEEP_LAST"),
            ("SUPERVISE_KEEP_LATS", "SUPERVISE_KEEP_LAST"),
            ("SUPERVISE_keep_last", "SUPERVISE_KEEP_LAST"),
            ("SUPERVISE_KEEP-LAST", "SUPERVISE_KEEP_LAST"),
            ("SUPERVISE_STATEDIR", "SUPERVISE_STATE_DIR"),
            ("SUPERVISE_MAX_FAILURE", "SUPERVISE_MAX_FAILURES"),
        ])
    func nearMiss(name: String, right: String) throws {
        #expect(
            try notes([name: "3"]) == [
                "there is no variable \(name), and it changes nothing; did you mean \(right)?"
            ])
    }

    @Test("what an outer supervisor gives its job, and what is far from all, is not reported")
    func others() throws {
        let names = [
            "SUPERVISE_SOCKET", "SUPERVISE_NAME", "SUPERVISE_ATTEMPT", "SUPERVISE_TOKEN",
            "SUPERVISE_CHECKPOINT", "SUPERVISE_CHECKPOINT_ID", "SUPERVISE_CHECKPOINT_STEP",
            "SUPERVISE_LAST_FAILURE", "SUPERVISE_SOMETHING_ELSE", "SUPERVISEKEEPLAST",
        ]
        #expect(try notes(Dictionary(uniqueKeysWithValues: names.map { ($0, "3") })) == [])
        #expect(try notes(["SUPERVISE_KEEP_LAST": "3", "SUPERVISE_STATE_DIR": "/s"]) == [])
    }

    @Test("a command reports those that it would take, beside its answer")
    func ofCommand() throws {
        let runs = try RunsOnDisk()
        let environment = ["SUPERVISE_STATEDIR": "/s", "SUPERVISE_KEEPLAST": "3"]
        let answer = try answer(["list", "--state-dir", runs.root], place(environment))
        #expect(
            answer.notes.first
                == "there is no variable SUPERVISE_STATEDIR, and it changes nothing; did you mean "
                + "SUPERVISE_STATE_DIR?")
        #expect(!answer.notes.contains { $0.contains("KEEPLAST") })
    }

    @Test("no variable gives a run its name")
    func name() throws {
        let request = try request(["--", "true"], place(["SUPERVISE_NAME": "other"]))
        #expect(request.name == nil && request.notes == [])
    }
}
