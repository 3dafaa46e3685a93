import SuperviseSystem

/// Sizes of a run record of before sizes had to have a unit.
enum RecordedSize {
    /// The text of a recorded option; a bare number of a size was one of bytes.
    static func withUnit(_ text: String, of option: String) -> String {
        switch option {
        case "max-bytes", "capture-max": amount(text)
        case "rlimit":
            text.split(separator: "\n", omittingEmptySubsequences: false)
                .map { limit(String($0)) }.joined(separator: "\n")
        default: text
        }
    }

    private static func limit(_ line: String) -> String {
        let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, ResourceLimit.Resource(option: parts[0])?.isSize == true else {
            return line
        }
        let amounts = parts[1].split(separator: ":", omittingEmptySubsequences: false)
        return "\(parts[0])=\(amounts.map { amount(String($0)) }.joined(separator: ":"))"
    }

    private static func amount(_ text: String) -> String {
        let isNumber = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        return isNumber ? "\(text)B" : text
    }
}

extension ResourceLimit.Resource {
    /// As an option writes it, such as `nofile` or `RLIMIT_NOFILE`.
    init?(option text: some StringProtocol) {
        var name = text.lowercased()
        if name.hasPrefix("rlimit_") { name.removeFirst(7) }
        guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }
}
