import SuperviseFormats
import SuperviseHost
import SuperviseSystem
import Testing

@testable import supervise

/// A place with a home directory and nothing else, at a fixed moment.
func place(
    _ environment: [String: String] = [:], files: [String: String] = [:]
) -> Surroundings {
    var surroundings = Surroundings(
        environment: ["HOME": "/home/ada"].merging(environment) { $1 },
        directory: .success("/work"), now: Timestamp(milliseconds: 1_795_237_441_000))
    surroundings.readFile = { path throws(SystemError) in
        guard let text = files[path] else {
            throw SystemError(call: "open", code: 2, subject: path)
        }
        return text
    }
    surroundings.exists = { files[$0] != nil }
    return surroundings
}

/// The request that a call of `supervise` makes.
func request(
    _ arguments: [String], _ surroundings: Surroundings = place()
) throws -> RunRequest {
    guard case .run(let request) = try Program.intent(arguments, surroundings) else {
        throw Complaint("this call does not run anything")
    }
    return request
}

/// What a call of `supervise` answers.
func answer(
    _ arguments: [String], _ surroundings: Surroundings = place()
) throws -> Answer {
    switch try Program.intent(arguments, surroundings) {
    case .answer(let answer): return answer
    case .events(let reader):
        var written: [UInt8] = []
        try reader.copy { written += $0 }
        return Answer(text: String(decoding: written, as: UTF8.self), notes: reader.notes)
    case .run, .logs: throw Complaint("this call runs something")
    }
}

/// The line that a call of `supervise` complains with; nil where it has nothing to complain about.
func complaint(
    _ arguments: [String], _ surroundings: Surroundings = place()
) -> Complaint? {
    do throws(Complaint) {
        _ = try Program.intent(arguments, surroundings)
        return nil
    } catch {
        return error
    }
}
