import SuperviseFormats
import Testing

@testable import supervise

@Suite("the plan of checkpoints")
struct PlanTests {
    @Test("shows the best interval among others, and what each costs")
    func table() throws {
        let text = try answer(["plan", "--cost", "30s", "--mtbf", "3h", "--restart", "1m"]).text
        let lines = text.split(separator: "\n").map(String.init)
        #expect(
            lines.first
                == "A checkpoint costs 30 s, a failure comes every 3h00m on the average, and a "
                + "restart takes 60 s.")
        #expect(text.contains("The best interval is 13m05s: 92.2 % of the time is useful then."))
        #expect(lines.contains("interval  useful  saving  failures  lost a day"))
        #expect(
            lines.contains(
                "  13m05s  92.2 %   3.5 %     4.3 %       1h52m  ██████████████████████░░  best"))
        #expect(
            lines.contains(
                "   1h00m  83.0 %   0.7 %    16.3 %       4h05m  ███████████████████░░░░░"))
        #expect(!text.contains("simulated"))
    }

    @Test("shows what is simulated beside it, the same each time")
    func simulated() throws {
        let call = ["plan", "--cost", "5s", "--mtbf", "1h", "--simulate"]
        let text = try answer(call).text
        #expect(text.contains("interval  useful  simulated  saving  failures  lost a day"))
        #expect(text.contains("--checkpoint-every auto"))
        #expect(try answer(call).text == text)
    }

    @Test("speaks JSON, with null for what was not simulated")
    func json() throws {
        let text = try answer(["plan", "--cost", "5s", "--mtbf", "1h", "--json"]).text
        let found = try JSONText.decode(Planned.self, from: Array(text.utf8))
        #expect(found.cost_s == 5 && found.mtbf_s == 3600 && found.restart_s == 60)
        #expect(abs(found.best.interval_s - 186.4) < 0.1 && abs(found.daly_s - 186.4) < 0.1)
        #expect(found.intervals.count > 5 && found.auto == nil)
        #expect(text.contains("\"simulated\":null") && text.contains("\"auto\":null"))
    }

    private struct Planned: Decodable {
        var cost_s: Double
        var mtbf_s: Double
        var restart_s: Double
        var daly_s: Double
        var auto: Double?
        var best: Row
        var intervals: [Row]

        struct Row: Decodable {
            var interval_s: Double
            var useful: Double
        }
    }

    @Test("draws with plain characters where the terminal may have no others")
    func plain() throws {
        let call = ["plan", "--cost", "30s", "--mtbf", "3h"]
        let text = try answer(call, place(["LANG": "C"])).text
        #expect(text.contains("######################..  best"))
    }

    @Test("says what is missing or wrong")
    func refusals() {
        let example = "as in supervise plan --cost 30s --mtbf 3h (supervise plan --help)"
        #expect(complaint(["plan"])?.message == "--cost is missing, \(example)")
        #expect(complaint(["plan", "--cost", "1s"])?.message == "--mtbf is missing, \(example)")
        #expect(complaint(["plan", "--cost", "0s", "--mtbf", "1h"])?.status == 125)
        #expect(complaint(["plan", "it", "--cost", "1s", "--mtbf", "1h"])?.status == 125)
    }

    @Test("takes any durations", arguments: ["1ms", "10s", "2h", "30d", "90d"])
    func extremes(mtbf: String) throws {
        for cost in ["1ms", "1m", "1d", "30d"] {
            let call = ["plan", "--cost", cost, "--mtbf", mtbf, "--restart", "0s", "--simulate"]
            let text = try answer(call).text
            #expect(text.contains("  best\n") && !text.contains("nan") && !text.contains("inf"))
        }
    }
}
