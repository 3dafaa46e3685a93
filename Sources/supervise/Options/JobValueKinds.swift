import SuperviseFormats
import SuperviseHost
import SuperviseSystem

/// What the values of the options are that say how the job runs.

extension ValueKind where Value == [String] {
    static let variables = ValueKind(
        placeholder: "NAME=VALUE",
        accepts: "a variable of the environment as NAME=VALUE (names in SUPERVISE_ are taken)"
    ) { text in
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let areGood = lines.allSatisfy { line in
            let name = line.prefix { $0 != "=" }
            return !name.isEmpty && name.utf8.count < line.utf8.count && !line.contains("\0")
                && !name.hasPrefix("SUPERVISE_")
        }
        return areGood ? lines : nil
    }
}

extension ValueKind where Value == [String] {
    static let variableNames = ValueKind(
        placeholder: "NAME,…",
        accepts: "names of variables of the environment, such as CUDA_HOME,OMP_NUM_THREADS "
            + "(names in SUPERVISE_ are taken)"
    ) { text in
        let names = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        let areGood = names.allSatisfy { name in
            let isWord = name.utf8.allSatisfy { byte in
                byte == UInt8(ascii: "_") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte & 0xdf)
            }
            return isWord && !name.isEmpty && !name.hasPrefix("SUPERVISE_")
        }
        return areGood ? names : nil
    }
}

extension ValueKind where Value == UInt32 {
    static let mask = ValueKind(
        placeholder: "MODE", accepts: "up to four octal digits, such as 022"
    ) { text in
        guard (1...4).contains(text.utf8.count), let mask = UInt32(text, radix: 8), mask <= 0o777,
            text.first != "+"
        else { return nil }
        return mask
    }
}

extension ValueKind where Value == Int32 {
    static let niceness = ValueKind(placeholder: "N", accepts: "a whole number from -20 to 19") {
        text in Int32(text).flatMap { (-20...19).contains($0) ? $0 : nil }
    }
}

extension ValueKind where Value == [ResourceLimit] {
    private static var names: String {
        joined(ResourceLimit.Resource.allCases.map { $0.name }, with: ", ")
    }

    static let limits = ValueKind(
        placeholder: "NAME=SOFT[:HARD]",
        accepts: "a limit such as nofile=4096, as=8GiB or core=0:unlimited, the soft one not above "
            + "the hard one, and sizes with their unit (\(names))"
    ) { text in
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let limits = lines.compactMap { limit(String($0)) }
        return limits.count == lines.count ? limits : nil
    }

    private static func limit(_ text: String) -> ResourceLimit? {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        guard let resource = ResourceLimit.Resource(option: parts[0]) else { return nil }
        let amounts = parts[1].split(separator: ":", omittingEmptySubsequences: false)
            .map { amount(String($0), of: resource) }
        guard (1...2).contains(amounts.count), let first = amounts[0],
            let last = amounts[amounts.count - 1], first <= last
        else { return nil }
        return ResourceLimit(resource, soft: first, hard: last)
    }

    private static func amount(_ text: String, of resource: ResourceLimit.Resource) -> UInt64? {
        if text == "unlimited" || text == "infinity" { return ResourceLimit.unlimited }
        let isNumber = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        if isNumber, !resource.isSize { return UInt64(text).flatMap { $0 < .max ? $0 : nil } }
        return resource.isSize ? SizeText.parse(text).map { UInt64(clamping: $0) } : nil
    }
}

extension ValueKind where Value == UserChoice {
    static let user = ValueKind(
        placeholder: "USER[:GROUP]",
        accepts: "a user and perhaps a group, each a name or a number, such as www-data or 1000:100"
    ) { UserChoice($0) }
}

/// Signals with a meaning that must not be lost: they cannot be caught, tell of our own mistakes,
/// stop a run, or belong to the terminal and to child processes.
private let taken = [
    "SIGKILL", "SIGSTOP", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGSEGV", "SIGSYS",
    "SIGSTKFLT", "SIGHUP", "SIGINT", "SIGTERM", "SIGTSTP", "SIGCONT", "SIGTTIN", "SIGTTOU",
    "SIGCHLD", "SIGPIPE",
]

/// The number of a signal that can be given a meaning here; nil where `text` names none.
func freeSignal(_ text: String) -> Int32? {
    // The numbers between the last usual signal and the first realtime one are the C library's own.
    guard let number = signalNumber(text), case let name = signalName(number),
        name.hasPrefix("SIG"), !taken.contains(name)
    else { return nil }
    return number
}
