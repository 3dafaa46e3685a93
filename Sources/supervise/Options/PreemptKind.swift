import SuperviseCore
import SuperviseFormats
import SuperviseSystem

/// What `--preempt` takes; where a cloud is asked is found in the environment.
enum PreemptKind: Equatable, Sendable {
    case aws, gcp, azure
    case program(ShellWords)
}

extension ValueKind where Value == PreemptKind {
    static let preemptSource = ValueKind(
        placeholder: "aws|gcp|azure|exec:COMMAND",
        accepts: "aws, gcp, azure, or exec: and a command with quotes in pairs"
    ) { text in
        switch text {
        case "aws": return .aws
        case "gcp": return .gcp
        case "azure": return .azure
        default:
            guard text.hasPrefix("exec:") else { return nil }
            return ShellWords(String(text.dropFirst(5))).map { .program($0) }
        }
    }
}

extension ValueKind where Value == Int32 {
    static let exitCode = ValueKind(placeholder: "N", accepts: "a whole number from 0 to 255") {
        text in
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let code = Int32(text),
            code <= 255
        else { return nil }
        return code
    }
}

extension ValueKind where Value == Int32 {
    /// Of a run that failed: 0 would say that it completed.
    static let failureCode = ValueKind(
        placeholder: "N", accepts: "a whole number from 1 to 255"
    ) { text in
        guard let code = exitCode.parse(text), code > 0 else { return nil }
        return code
    }
}

extension PreemptKind {
    /// Where it is asked, by the variables that the clouds' own tools go by.
    ///
    /// - Throws: ``Complaint`` where the environment forbids to ask.
    func source(_ surroundings: Surroundings) throws(Complaint) -> PreemptSource {
        switch self {
        case .program(let words): return .program(words)
        case .aws:
            if surroundings.value(of: "AWS_EC2_METADATA_DISABLED")?.lowercased() == "true" {
                throw Complaint(
                    "--preempt aws asks the metadata service, and AWS_EC2_METADATA_DISABLED "
                        + "forbids that: leave out one")
            }
            let mode = surroundings.value(of: "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE")
            let standard =
                mode?.lowercased() == "ipv6" ? "http://[fd00:ec2::254]" : "http://169.254.169.254"
            return .aws(
                base: try surroundings.address(
                    "AWS_EC2_METADATA_SERVICE_ENDPOINT", standard: standard))
        case .gcp:
            return .gcp(
                base: try surroundings.address(
                    "GCE_METADATA_HOST", standard: "http://metadata.google.internal"))
        case .azure:
            return .azure(
                base: try surroundings.address(
                    "AZURE_POD_IDENTITY_AUTHORITY_HOST", standard: "http://169.254.169.254"))
        }
    }
}

extension Surroundings {
    fileprivate func value(of name: String) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// With its scheme, and without a slash at its end.
    fileprivate func address(
        _ name: String, standard: String
    ) throws(Complaint) -> String {
        guard let given = value(of: name) else { return standard }
        var address = given.contains("://") ? given : "http://" + given
        while address.hasSuffix("/") { address.removeLast() }
        let isPlain = address.utf8.allSatisfy { (0x21...0x7e).contains($0) }
        guard isPlain, address.hasPrefix("http://") || address.hasPrefix("https://") else {
            throw Complaint("\(name) is no address of a metadata service: \(given)")
        }
        return address
    }
}

/// What `--preempt-grace` takes: a duration for all notices, or one for some kinds of them.
struct PreemptGraces: Equatable, Sendable {
    private var durations: [Notice.Kind: Duration] = [:]

    init?(_ text: String) {
        if let all = Self.positive(text) {
            for kind in Notice.Kind.allCases { durations[kind] = all }
            return
        }
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let words = part.split(separator: "=", omittingEmptySubsequences: false)
            guard words.count == 2, let kind = Notice.Kind(rawValue: String(words[0])),
                durations[kind] == nil, let duration = Self.positive(String(words[1]))
            else { return nil }
            durations[kind] = duration
        }
    }

    private static func positive(_ text: String) -> Duration? {
        DurationText.parse(text).flatMap { $0 > .zero ? $0 : nil }
    }

    /// A kind that is not named keeps its own.
    func apply(to settings: inout Settings) {
        settings.preemptGrace = durations[.preempted] ?? settings.preemptGrace
        settings.maintenanceGrace = durations[.maintenance] ?? settings.maintenanceGrace
    }
}

extension ValueKind where Value == PreemptGraces {
    static let graces = ValueKind(
        placeholder: "DURATION|KIND=DURATION,…",
        accepts: "a duration of more than 0s (500ms, 10s, 5m, 1h30m, 1d), or one for each kind, "
            + "as in maintenance=1h,preempted=30s"
    ) { PreemptGraces($0) }
}
