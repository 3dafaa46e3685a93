import SuperviseCore
import SuperviseFormats
import SuperviseSystem

/// Tries again what a start needs and the machine has not enough of, as long as the core lets it.
struct ShortageWait {
    private let console: Console

    init(_ console: Console) { self.console = console }

    /// - Parameter body: leaves nothing behind where it throws.
    /// - Throws: what it throws that is no shortage, or the shortage that has lasted too long.
    func perform<Result>(
        _ body: () throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        var shortage = MachineShortage()
        while true {
            do throws(SystemError) {
                return try body()
            } catch {
                guard error.isShortage else { throw error }
                let verdict = shortage.refused(
                    "\(error)", at: Conductor.now().instant, jitter: 0)
                guard case .wait(let wait, let isFirst) = verdict else { throw error }
                if isFirst {
                    let limit = HumanText.limit(MachineShortage.patience.seconds)
                    console.say(
                        "\(error); \(error.shortageAdvice); trying again for up to \(limit)",
                        .quiet)
                }
                sleepThisThread(for: wait)
            }
        }
    }
}
