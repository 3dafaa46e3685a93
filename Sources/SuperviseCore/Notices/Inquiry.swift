import SuperviseFormats

/// Something that is asked of somebody outside; a number is never used twice.
package struct InquiryID: Hashable, Sendable {
    package let number: Int

    package init(_ number: Int) { self.number = number }
}

/// What is asked whether the machine is taken away.
package enum Inquiry: Equatable, Sendable {
    /// Some requests, one after the other; each is answered by itself.
    case requests(HTTPRequests)
    /// A program; each line that it writes is an answer.
    case program([String])

    /// As it comes of the answer to one request, or the line of a program.
    package struct Answer: Equatable, Sendable {
        /// The status of HTTP; 0 where none came, or it is a line.
        package var status = 0
        /// By their names in lower case.
        package var headers: [String: String] = [:]
        package var body = ""
        /// What kept the answer from coming, or from coming whole.
        package var error: String?

        package init(
            status: Int = 0, headers: [String: String] = [:], body: String = "",
            error: String? = nil
        ) {
            self.status = status
            self.headers = headers
            self.body = body
            self.error = error
        }

        /// When it was sent, by the clock of whoever sent it.
        var date: Timestamp? { headers["date"].flatMap { HTTPDate.parse($0) } }
    }

    /// How it ended, after its last answer.
    package enum End: Equatable, Sendable {
        case exited(status: Int)
        /// It could not be asked, was ended, or answered without end; a sentence.
        case failed(String)
        /// The program that asks is too old to ask several times.
        case tooOld
    }
}

/// Requests of HTTP that go to one server, over one connection where it keeps that.
package struct HTTPRequests: Equatable, Sendable {
    package var method: String
    package var urls: [String]
    /// Each `Name: value`, the same for all.
    package var headers: [String]
    package var body: String?
    /// From the beginning of one to that of the next, at least; nil for no wait.
    package var spacing: Duration?
    /// For each of them.
    package var limit: Duration

    package init(
        method: String = "GET", urls: [String], headers: [String] = [], body: String? = nil,
        spacing: Duration? = nil, limit: Duration
    ) {
        self.method = method
        self.urls = urls
        self.headers = headers
        self.body = body
        self.spacing = spacing
        self.limit = limit
    }
}
