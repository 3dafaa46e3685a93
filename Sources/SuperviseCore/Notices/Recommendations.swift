import SuperviseFormats

/// Limits how often a recommendation leads to a request for a checkpoint.
///
/// A cloud may recommend one again and again: at least the planned interval lies between two requests.
struct Recommendations: Equatable, Sendable {
    private var askedAt: Instant?
    /// Messages about refused recommendations that were printed.
    private var printed: Set<String> = []

    /// Whether a checkpoint is to be requested for this notice.
    mutating func admits(
        _ notice: Notice, of source: String, interval: Duration, at now: Moment,
        _ orders: inout Orders
    ) -> Bool {
        if notice.action == .checkpoint, let askedAt, now.instant - askedAt < interval {
            let doubt = notice.doubt.map { " (\($0))" } ?? ""
            let message =
                "\(source): a checkpoint is recommended again within the interval of the last "
                + "request, and comes in its turn\(doubt) (told once)"
            if printed.insert(message).inserted { orders.warn(message) }
            return false
        }
        orders.log(
            .noticed(.init(source: source, action: notice.action.rawValue, doubt: notice.doubt)))
        return true
    }

    /// The checkpoint was requested.
    mutating func asked(at now: Instant) { askedAt = now }
}
