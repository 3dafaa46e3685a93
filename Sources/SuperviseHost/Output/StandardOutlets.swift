import SuperviseFormats
import SuperviseSystem

/// Where our standard output and standard error lead: one outlet where both lead to the same place.
struct StandardOutlets {
    let output: Outlet
    let errors: Outlet
    /// The one with the status line; nil where there is no terminal that is ours alone.
    let status: Outlet?

    /// - Parameter warn: takes a sentence, from any thread.
    init(_ request: RunRequest, warn: @escaping @Sendable (String) -> Void) {
        let isOne = leadToSame(1, 2)
        let showsStatus = Self.showsStatus(request, isOne: isOne)
        let rest =
            request.capture == nil ? "" : "; supervise logs shows what is kept"
        let output = Outlet(1, showsStatus: isOne && showsStatus) {
            warn(Self.sentence($0, "standard output", rest))
        }
        self.output = output
        errors =
            isOne
            ? output
            : Outlet(2, showsStatus: showsStatus) {
                warn(Self.sentence($0, "standard error", rest))
            }
        status = showsStatus ? errors : nil
    }

    var all: [Outlet] { output === errors ? [output] : [output, errors] }

    /// Only where everything that the job writes to this terminal passes through us: whoever reads
    /// our standard output from a pipe may well write to the same terminal.
    private static func showsStatus(_ request: RunRequest, isOne: Bool) -> Bool {
        guard request.verbosity != .quiet, isTerminal(2), isOne || StreamKind(of: 1) == .file,
            let kind = environmentVariable("TERM")
        else { return false }
        return !kind.isEmpty && kind != "dumb"
    }

    private static func sentence(_ note: Outlet.Note, _ name: String, _ rest: String) -> String {
        switch note {
        case .lags:
            "\(name) is read too slowly for all that the job writes: some of it is skipped "
                + "there\(rest)"
        case .failed(let error):
            "the job's output cannot be passed on to \(name) (\(errorText(error.code))); "
                + "the job goes on\(rest)"
        case .deserted(let error):
            "nobody reads \(name) any more (\(errorText(error.code))); the job goes on\(rest)"
        }
    }
}
