import SuperviseCore
import SuperviseFormats
import SuperviseSystem

/// Where our standard output and standard error lead, as far as anything passes through us: one outlet
/// where both lead to the same place.
struct StandardOutlets {
    /// nil where the job has that stream of ours.
    let output: Outlet?
    let errors: Outlet?
    /// The one with the status line; nil where there is no terminal that is ours alone.
    let status: Outlet?

    /// - Parameter note: takes what an outlet tells, from any thread.
    init(
        _ request: RunRequest, _ plan: OutputPlan,
        note: @escaping @Sendable (Outlet.Note, _ descriptor: Int32) -> Void
    ) {
        let showsStatus = Self.showsStatus(request, plan)
        output = Self.outlet(1, plan.output, showsStatus: plan.isOne && showsStatus, note)
        errors = plan.isOne ? output : Self.outlet(2, plan.errors, showsStatus: showsStatus, note)
        status = showsStatus ? errors : nil
    }

    private static func outlet(
        _ descriptor: Int32, _ route: OutputPlan.Route, showsStatus: Bool,
        _ note: @escaping @Sendable (Outlet.Note, Int32) -> Void
    ) -> Outlet? {
        switch route {
        case .inherited: nil
        case .passed(let holds):
            Outlet(descriptor, holds: holds, showsStatus: showsStatus) { note($0, descriptor) }
        }
    }

    /// Each one once.
    var all: [Outlet] {
        let both = [output, errors].compactMap(\.self)
        return output === errors ? Array(both.prefix(1)) : both
    }

    /// Only where everything that the job writes to this terminal passes through us: whoever reads
    /// our standard output from a pipe may well write to the same terminal.
    private static func showsStatus(_ request: RunRequest, _ plan: OutputPlan) -> Bool {
        guard request.verbosity != .quiet, plan.errors != .inherited, isTerminal(2),
            plan.isOne || StreamKind(of: 1) == .file,
            let kind = environmentVariable("TERM")
        else { return false }
        return !kind.isEmpty && kind != "dumb"
    }

    /// nil where that is nothing for people.
    static func sentence(
        for note: Outlet.Note, of descriptor: Int32, _ request: RunRequest
    ) -> String? {
        let name = descriptor == 1 ? "standard output" : "standard error"
        let rest = request.capture == nil ? "" : "; supervise logs shows what is kept"
        switch note {
        case .lags:
            return "\(name) is read too slowly for all that the job writes: some of it is skipped "
                + "there\(rest)"
        case .failed(let error):
            return "the job's output cannot be passed on to \(name) "
                + "(\(errorText(error.code))); the job goes on\(rest)"
        case .deserted(let error):
            return "nobody reads \(name) any more (\(errorText(error.code))); the job goes on, and "
                + "what it writes there is discarded\(rest)"
        case .hasRoom, .discards: return nil
        }
    }
}

extension OutputPlan {
    /// For our standard streams as they are.
    init(_ request: RunRequest) {
        self.init(
            request.capture == nil ? request.output : .keep, hasTerminal: request.tty,
            output: Place(StreamKind(of: 1)), errors: Place(StreamKind(of: 2)),
            isSame: leadToSame(1, 2))
    }
}

extension OutputPlan.Place {
    fileprivate init(_ kind: StreamKind) {
        self =
            switch kind {
            case .pipe: .pipe
            case .terminal: .terminal
            case .file: .file
            case .socket: .socket
            case .unwritable: .unwritable
            }
    }
}
