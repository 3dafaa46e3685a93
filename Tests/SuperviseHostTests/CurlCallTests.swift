import SuperviseCore
import Testing

@testable import SuperviseHost

/// How curl is called, and how what it writes is cut into answers.
@Suite("A call of curl")
struct CurlCallTests {
    private func call(_ change: (inout HTTPRequests) -> Void = { _ in }) -> CurlCall {
        var requests = HTTPRequests(urls: ["http://b/1"], limit: .seconds(2))
        change(&requests)
        return CurlCall(requests: requests, word: "w0rd")
    }

    private func input(_ call: CurlCall) -> String { String(decoding: call.input, as: UTF8.self) }

    private func answers(_ texts: String...) -> [Inquiry.Answer] {
        var transcript = CurlTranscript(word: "w0rd")
        return texts.flatMap { transcript.add(Array($0.utf8)) }
    }

    @Test("what is asked stands in no command line, no proxy and no configuration is used")
    func input() {
        let call = call { $0.headers = ["X-Token: secret"] }
        #expect(call.command == ["curl", "--disable", "--config", "-"])
        let text = input(call)
        for line in [
            #"noproxy = "*""#, #"header = "X-Token: secret""#, #"url = "http://b/1""#,
            "max-time = 2.0", #"proto = "=http,https""#, #"request = "GET""#,
        ] {
            #expect(text.contains(line + "\n"))
        }
    }

    @Test("a pace is on the command line, where an old curl says that it knows none")
    func pace() {
        #expect(call { $0.spacing = .milliseconds(2500) }.command[2...3] == ["--rate", "24/m"])
        #expect(call { $0.spacing = .seconds(1) }.command[2...3] == ["--rate", "60/m"])
        #expect(call { $0.spacing = .seconds(600) }.command[2...3] == ["--rate", "1/m"])
    }

    @Test("what is sent can be nothing but what it is")
    func quoting() {
        let text = input(
            call {
                $0.body = "{\"a\\\":\n\"}"
                $0.headers = ["A: b\r\nurl = \"http://evil/\""]
            })
        #expect(text.contains(#"data-raw = "{\"a\\\":\n\"}""#))
        #expect(text.contains(#"header = "A: b\r\nurl = \"http://evil/\"""#))
        #expect(!text.contains("\nurl = \"http://evil"))
    }

    @Test("answers are told one by one, each when it is whole")
    func answers() {
        let first = "HTTP/1.1 200 OK\r\nETag: 1a\r\nDate: now\r\n\r\nTRUE\nw0rd 200"
        #expect(answers(first).isEmpty)
        let two = answers(first + "\nHTTP/1.1 404 Not Found\r\n\r\n<html>\nw0r", "d 404\n")
        #expect(
            two == [
                .init(status: 200, headers: ["etag": "1a", "date": "now"], body: "TRUE"),
                .init(status: 404, body: "<html>"),
            ])
    }

    @Test("what went wrong is told with the answer, or instead of it")
    func errors() {
        #expect(
            answers("curl: (28) Operation timed out\n\nw0rd 000\n") == [
                .init(status: 0, error: "curl: (28) Operation timed out")
            ])
        #expect(
            answers("HTTP/1.1 200 OK\r\n\r\n{\"actcurl: (18) transfer closed\n\nw0rd 200\n") == [
                .init(status: 200, body: "{\"act", error: "curl: (18) transfer closed")
            ])
        #expect(answers("\nw0rd 000\n") == [.init(status: 0, error: "no answer")])
    }

    @Test(
        "an answer after an interim one, a body that looks like an answer, and bytes that are no text"
    )
    func odd() {
        let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\nx\nw0rd 200\n"
        #expect(answers(interim) == [.init(status: 200, headers: ["a": "b"], body: "x")])
        let nested = "HTTP/1.1 200 OK\r\n\r\n\nword 404\ncurl: (1) no\nmore\nw0rd 200\n"
        #expect(
            answers(nested) == [.init(status: 200, body: "\nword 404\ncurl: (1) no\nmore")])
        var transcript = CurlTranscript(word: "w")
        let bytes = Array("HTTP/1.1 200 OK\r\n\r\n".utf8) + [0, 0xff] + Array("\nw 200\n".utf8)
        #expect(transcript.add(bytes).first?.body == "\0\u{fffd}")
    }

    @Test("an answer without end is noticed")
    func endless() {
        var transcript = CurlTranscript(word: "w0rd")
        #expect(transcript.add([UInt8](repeating: 0x61, count: 69_000)).isEmpty)
        #expect(!transcript.isTooLong)
        _ = transcript.add([UInt8](repeating: 0x61, count: 1_000))
        #expect(transcript.isTooLong)
    }
}
