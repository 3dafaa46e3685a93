import SuperviseFormats
import SuperviseStore
import SuperviseSystem

/// The call of our own program by the guard, which has ended the tree of a supervisor that died. It
/// hands over the run's lock; nobody else can use this call.
package enum HeldSettlement {
    /// No command of that name is for people.
    private static let verb = "settle-held"

    static func call(of paths: RunPaths) -> [String] {
        ["supervise", verb, paths.stateDirectory, paths.name.description]
    }

    /// - Parameter arguments: without the program's name.
    /// - Returns: the exit status; nil where it is no such call.
    package static func perform(_ arguments: [String]) -> Int32? {
        guard arguments.count == 3, arguments[0] == verb, let name = RunName(arguments[2]) else {
            return nil
        }
        let paths = RunPaths(stateDirectory: arguments[1], name: name)
        do {
            guard let lock = try RunLock.settling(paths) else { return nil }
            let now = Timestamp(milliseconds: wallClockNow() / 1_000_000)
            let record = try RunStore(paths).record.load()
            let store = RunStore(record.map { paths.following($0) } ?? paths)
            try withExtendedLifetime(lock) { _ = try Settler(store).settle(at: now) }
            return 0
        } catch {
            // Nobody reads it; `supervise settle` tries again.
            return RunResult.couldNot
        }
    }
}
