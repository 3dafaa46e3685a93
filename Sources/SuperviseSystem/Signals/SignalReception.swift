/// What a signal does to another process.
package enum SignalReception: Equatable, Sendable {
    /// A handler is called, or it waits for it.
    case handled
    case ignored
    /// What the system does by itself, which for most signals is the end.
    case standard

    /// - Throws: ENOENT or ESRCH where there is no such process.
    package init(of signal: Int32, by pid: Int32) throws(SystemError) {
        let text = try readSmallFile("/proc/\(pid)/status")
        func has(_ set: String) -> Bool {
            let line = text.split(separator: "\n").first { $0.hasPrefix("\(set):") }
            let digits = line?.split(separator: "\t").last.map(String.init) ?? ""
            return (UInt64(digits, radix: 16) ?? 0) & (1 << UInt64(signal - 1)) != 0
        }
        // Who blocks a signal waits for it in some other way.
        self = has("SigCgt") || has("SigBlk") ? .handled : has("SigIgn") ? .ignored : .standard
    }
}
