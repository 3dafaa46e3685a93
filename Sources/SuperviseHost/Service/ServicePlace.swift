import SuperviseCore
import SuperviseSystem

/// Where our service manager listens, and what it expects, as it has told us by our environment.
struct ServicePlace: Equatable {
    /// Of its socket, as NOTIFY_SOCKET has it.
    let address: String
    let manager: ServiceManager

    /// - Returns: nil where nobody wants to hear from us.
    static func find(
        in environment: [(String, String)], process: Int32 = processId()
    ) -> ServicePlace? {
        func value(_ name: String) -> String? { environment.last { $0.0 == name }?.1 }
        guard let address = value("NOTIFY_SOCKET"), !address.isEmpty else { return nil }
        // Another process may be meant: then we have only inherited it.
        let isOurs = value("WATCHDOG_PID").map { Int32($0) == process } ?? true
        let limit = value("WATCHDOG_USEC").flatMap { Int64($0) } ?? 0
        let watchdog = isOurs && limit > 0 ? Duration.microseconds(limit) : nil
        return ServicePlace(address: address, manager: ServiceManager(watchdog: watchdog))
    }
}
