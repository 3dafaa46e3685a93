import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// A stand-in for the metadata services of the clouds, on loopback, with faults: a tool that is no
/// part of the project. Where it is not there, what needs it does not run, and says so.
final class MetadataService {
    static let path = "\(repository)/../shared/engines/imds-mock"
    static let isThere = pathExists(path)

    let base: String
    private let program: Program
    private let place: Place

    /// - Parameter options: of the stand-in, such as `--imdsv1`.
    init(_ place: Place, _ options: [String] = []) throws {
        self.place = place
        let file = "\(place.path)/port-\(try randomHex(bytes: 4))"
        program = try place.start(["python3", Self.path, "--port-file", file] + options)
        try waitForChange(in: place.path) { (try? readSmallFile(file))?.isEmpty == false }
        let port = try readSmallFile(file).filter(\.isNumber)
        base = "http://127.0.0.1:\(port)"
    }

    /// For the supervisor.
    var environment: [String: String] {
        [
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": base,
            "GCE_METADATA_HOST": String(base.dropFirst(7)),
            "AZURE_POD_IDENTITY_AUTHORITY_HOST": base,
        ]
    }

    /// Such as `arm?notice=30`.
    @discardableResult
    func control(_ what: String) throws -> String {
        let curl = try place.start(["curl", "-sS", "--noproxy", "*", "\(base)/_ctl/\(what)"])
        guard try curl.waitForEnd() == .exited(0) else { throw curl.failure(what) }
        return curl.text(.output)
    }

    struct Request: Decodable {
        var method: String
        var path: String
        var body: String
        var token: Bool
        /// When, by the wall clock.
        var t: Double
    }

    /// What it was asked so far.
    func requests() throws -> [Request] {
        try JSONText.decode([Request].self, from: Array(control("log").utf8))
    }

    /// Waits until it has been asked so many times for what has this in its path.
    func wait(for count: Int, of part: String) throws {
        try waitBriefly { try requests().filter { $0.path.contains(part) }.count >= count }
    }
}
