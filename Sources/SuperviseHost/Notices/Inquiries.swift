import SuperviseCore
import SuperviseFormats
import SuperviseSystem

/// Asks somebody outside what the core wants to know: by `curl`, or by a program of the user's.
final class Inquiries {
    /// Of a line that a program writes, in bytes.
    private static let longestLine = 65_536

    private let loop: EventLoop
    private let tools: Tools
    private let environment: [String]
    private let program: ([String]) -> HelperCall
    private let word: String
    private let deliver: (Event) -> Void
    private var running: [InquiryID: Asking] = [:]
    private var acknowledging: StreamedTool?

    /// - Parameters:
    ///   - environment: that of `curl`.
    ///   - program: how a program of the user's is called.
    ///   - word: that nobody outside knows.
    init(
        on loop: EventLoop, tools: Tools, environment: [String],
        program: @escaping ([String]) -> HelperCall, word: String,
        _ deliver: @escaping (Event) -> Void
    ) {
        self.loop = loop
        self.tools = tools
        self.environment = environment
        self.program = program
        self.word = word
        self.deliver = deliver
    }

    /// One that is under way.
    private final class Asking {
        var tool: StreamedTool?
        var transcript: CurlTranscript
        /// Of a program: what is no whole line yet.
        var line: [UInt8] = []

        init(word: String) { transcript = CurlTranscript(word: word) }
    }

    func begin(_ id: InquiryID, _ inquiry: Inquiry) {
        let asking = Asking(word: word)
        running[id] = asking
        do throws(SystemError) {
            asking.tool = try start(inquiry) { [unowned self] news in
                switch inquiry {
                case .requests: heardCurl(news, id, asking)
                case .program: heardProgram(news, id, asking)
                }
            }
        } catch {
            end(id, .failed("it cannot be asked: \(error)"))
        }
    }

    private func start(
        _ inquiry: Inquiry, _ heard: @escaping (StreamedTool.News) -> Void
    ) throws(SystemError) -> StreamedTool {
        switch inquiry {
        case .requests(let requests):
            let call = CurlCall(requests: requests, word: word)
            return try StreamedTool(
                call.command, environment: environment, input: call.input, takesErrors: true,
                tools: tools, on: loop, heard)
        case .program(let command):
            let call = program(command)
            return try StreamedTool(
                call.command, program: call.program, environment: call.environment,
                directory: call.directory, takesErrors: false, tools: tools, on: loop, heard)
        }
    }

    /// Ends it; nothing more is told of it.
    func end(_ id: InquiryID) {
        running.removeValue(forKey: id)?.tool?.stop()
    }

    private func end(_ id: InquiryID, _ end: Inquiry.End) {
        self.end(id)
        deliver(.inquiryEnded(id, end))
    }

    private func heardCurl(_ news: StreamedTool.News, _ id: InquiryID, _ asking: Asking) {
        switch news {
        case .wrote(let bytes):
            for answer in asking.transcript.add(bytes) {
                // What an answer leads to may have ended it.
                guard running[id] != nil else { return }
                deliver(.answered(id, answer))
            }
            if asking.transcript.isTooLong { end(id, .failed("it answered without end")) }
        case .ended(.exited(2)) where asking.transcript.rest.contains("--rate"):
            end(id, .tooOld)
        case .ended(let status): ended(id, status)
        case .failed(let error): end(id, .failed("curl cannot be run: \(error)"))
        }
    }

    /// Its status tells of the last of several requests, and each of them was told by itself.
    private func ended(_ id: InquiryID, _ status: ExitStatus) {
        switch status {
        case .exited(let code) where code == 2 || code == 127:
            end(id, .failed("curl ended with status \(code)"))
        case .exited: end(id, .exited(status: 0))
        case .signaled(let signal): end(id, .failed("curl was ended by \(signalName(signal))"))
        }
    }

    private func heardProgram(_ news: StreamedTool.News, _ id: InquiryID, _ asking: Asking) {
        switch news {
        case .wrote(let bytes): heardLines(bytes, id, asking)
        case .ended(let status):
            tellLine(id, asking)
            guard running[id] != nil else { return }
            switch status {
            case .exited(let code): end(id, .exited(status: Int(code)))
            case .signaled(let signal): end(id, .failed("it was ended by \(signalName(signal))"))
            }
        case .failed(let error): end(id, .failed("it cannot be run: \(error)"))
        }
    }

    private func heardLines(_ bytes: [UInt8], _ id: InquiryID, _ asking: Asking) {
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let last = lines.removeLast()
        for line in lines {
            asking.line += line
            tellLine(id, asking)
            guard running[id] != nil else { return }
        }
        asking.line += last
        if asking.line.count > Self.longestLine { end(id, .failed("it wrote a line without end")) }
    }

    private func tellLine(_ id: InquiryID, _ asking: Asking) {
        guard !asking.line.isEmpty else { return }
        let line = String(decoding: asking.line, as: UTF8.self)
        asking.line = []
        deliver(.answered(id, .init(body: line)))
    }

    /// Tells somebody something; `done` is called once that has worked or failed.
    func acknowledge(_ inquiry: Inquiry, _ done: @escaping () -> Void) {
        acknowledging = try? start(inquiry) { news in
            if case .wrote = news { return }
            done()
        }
        if acknowledging == nil { done() }
    }

    func endAll() {
        for id in running.keys { end(id) }
        acknowledging?.stop()
    }
}
