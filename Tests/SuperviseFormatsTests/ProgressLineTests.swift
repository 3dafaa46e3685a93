import Testing

@testable import SuperviseFormats

@Suite("A progress line that is taken apart")
struct ProgressLineTests {
    private func taken(_ text: String) -> ProgressLine? { ProgressLine(Array(text.utf8)[...]) }

    @Test(
        "its metrics are parsed later, and all else at once",
        arguments: [
            #"{"type":"progress","step":5,"metrics":{"a":1,"b":2},"seq":7}"#,
            #" { "metrics" : {"a":1,"b":2} , "seq":7,"step" : 5 , "type":"progress" } "#,
        ])
    func apart(text: String) throws {
        let line = try #require(taken(text))
        let rest = try Envelope<JobMessage>.read(line.rest)
        #expect(rest == Envelope(.progress(.init(step: 5)), seq: 7))
        let metrics = try Envelope<JobMessage>.read(line.message(seq: rest.seq))
        let report = JobMessage.ProgressReport(metrics: Metrics(["a": 1, "b": 2]))
        #expect(metrics == Envelope(.progress(report), seq: 7))
    }

    @Test("names and texts may hold what looks like another part of it")
    func odd() throws {
        let text =
            #"{"message":"\"metrics\":{}}","type":"progress","metrics":{"}\"{":1,"[":2}}"#
        let line = try #require(taken(text))
        #expect(
            try Envelope<JobMessage>.read(line.rest).message
                == .progress(.init(message: #""metrics":{}}"#)))
        let report = JobMessage.ProgressReport(metrics: Metrics([#"}"{"#: 1, "[": 2]))
        #expect(
            try Envelope<JobMessage>.read(line.message(seq: nil)) == Envelope(.progress(report)))
    }

    @Test(
        "what is another message, or none, is parsed as a whole",
        arguments: [
            #"{"type":"commit","id":"000001","metrics":{"a":1}}"#,
            #"{"type":"commit","metadata":{"type":"progress"},"metrics":{"a":1}}"#,
            #"{"type":"progress","step":5}"#, #"{"type":"progress","metrics":null}"#,
            #"{"type":"progress","metrics":{"a":1},"metrics":{"b":1}}"#,
            #"{"step":5,"metrics":{"a":1}}"#, #"{"type":"progress","metrics":{"a":1}"#,
            #"{"type":"progress","metrics":{"a":1}} x"#, #"{"type":"progress","metrics":{"a":1},}"#,
            #"{"type":"progress" "metrics":{"a":1}}"#, #"{"type":"progress","metrics":{"a":"}"#,
            "", "{", "{}", "[]", "nonsense", #"{"type":"#,
            #"{"\u0074ype":"progress","metrics":{}}"#,
        ])
    func whole(text: String) { #expect(taken(text) == nil) }

    @Test("it is found in every line that an encoder writes")
    func encoded() throws {
        let report = JobMessage.ProgressReport(
            step: 3, first: 1, total: 9, unit: "x\\\"y", metrics: Metrics(["loss\n": 0.5]),
            message: "m{")
        let bytes = try Envelope(JobMessage.progress(report), seq: 1).line()
        let line = try #require(ProgressLine(bytes.dropLast()[...]))
        var rest = report
        rest.metrics = nil
        #expect(try Envelope<JobMessage>.read(line.rest) == Envelope(.progress(rest), seq: 1))
    }
}
