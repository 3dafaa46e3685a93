import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// Tries again what a start needs and the machine has not enough of, as long as the core lets it.
///
/// A step of a start that may fail goes through here, so that none ends a start for a shortage.
struct ShortageWait {
    private let console: Console

    init(_ console: Console) { self.console = console }

    /// - Parameter body: leaves nothing behind where it throws, or may be called again all the same.
    /// - Throws: what it throws that is no shortage, or the shortage that has lasted too long.
    func perform<Result, Failure: ShortageError>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var shortage = MachineShortage()
        while true {
            do throws(Failure) {
                return try body()
            } catch {
                guard let reason = error.shortage else { throw error }
                let verdict = shortage.refused(
                    "\(error)", at: Conductor.now().instant, jitter: 0)
                guard case .wait(let wait, let isFirst) = verdict else { throw error }
                if isFirst {
                    let limit = HumanText.limit(MachineShortage.patience.seconds)
                    console.say(
                        "\(reason); \(reason.shortageAdvice); trying again for up to \(limit)",
                        .quiet)
                }
                sleepThisThread(for: wait)
            }
        }
    }

    /// A step that changes or reads what is stored.
    ///
    /// - Throws: ``StartError`` that tells what to do.
    func explaining<Result>(_ body: () throws(StoreError) -> Result) throws(StartError) -> Result {
        try SuperviseHost.explaining { () throws(StoreError) in try perform(body) }
    }

    /// A step that asks the system.
    ///
    /// - Parameter step: what is being done.
    func describing<Result>(
        _ step: StartError.Step, _ body: () throws(SystemError) -> Result
    ) throws(StartError) -> Result {
        try SuperviseHost.describing(step) { () throws(SystemError) in try perform(body) }
    }
}

/// An error that may be a shortage of the machine.
protocol ShortageError: Error {
    /// nil if it is none.
    var shortage: SystemError? { get }
}

extension SystemError: ShortageError {
    var shortage: SystemError? { isShortage ? self : nil }
}

extension StoreError: ShortageError {
    var shortage: SystemError? { systemError.flatMap { $0.isShortage ? $0 : nil } }
}
