import SuperviseFormats

/// All sources of notices that a run polls.
///
/// They are polled from the first event until the run has ended, as a notice may change and may be
/// withdrawn.
struct NoticeSources: Sendable {
    private(set) var all: [NoticeSource]
    private var nextInquiry = 1
    /// Warnings that were printed. Two sources of one service fail alike, and warn once.
    private var printed: Set<String> = []

    /// What one source has said, beside its warnings.
    struct Report {
        let author: NoticeBoard.Author
        let source: NoticeSource
        /// All ends that it knows of; nil if what it said before still holds.
        let ends: [Notice]?
        /// Notices that recommend a checkpoint, each reported once.
        let advice: [Notice]
    }

    init(_ dialects: [any NoticeDialect]) {
        all = dialects.map { NoticeSource($0) }
    }

    /// Polls each source that is due, and sets the timer for the next one.
    mutating func poll(at now: Moment, _ orders: inout Orders) {
        for index in all.indices {
            let id = InquiryID(nextInquiry)
            guard let inquiry = all[index].next(id, at: now.instant) else { continue }
            nextInquiry += 1
            orders.add(.inquire(id, inquiry))
        }
        let next = all.compactMap { source -> Instant? in
            if case .resting(let until) = source.stage { until } else { nil }
        }.min()
        guard let next else { return orders.cancelIfSet(.sources) }
        if orders.due(.sources) != next {
            orders.set(.sources, after: next - now.instant, at: now)
        }
    }

    /// Ends all polling.
    mutating func end(_ orders: inout Orders) {
        for index in all.indices {
            if let id = all[index].end() { orders.add(.endInquiry(id)) }
        }
        orders.cancelIfSet(.sources)
    }

    /// - Returns: nil if the inquiry is not under way any more.
    mutating func answered(
        _ id: InquiryID, _ answer: Inquiry.Answer, at now: Moment, _ orders: inout Orders
    ) -> Report? {
        guard let index = index(asking: id) else { return nil }
        return report(all[index].heard(answer, at: now), of: index, &orders)
    }

    /// - Returns: nil if the inquiry is not under way any more.
    mutating func inquiryEnded(
        _ id: InquiryID, _ end: Inquiry.End, at now: Moment, _ orders: inout Orders
    ) -> Report? {
        guard let index = index(asking: id) else { return nil }
        return report(all[index].ended(end, at: now.instant), of: index, &orders)
    }

    /// One status for each service: if several sources poll it, the worst of theirs.
    var status: [Status.Source] {
        var statuses: [Status.Source] = []
        for source in all.map(\.status) {
            if let index = statuses.firstIndex(where: { $0.name == source.name }) {
                if statuses[index].isBetter(than: source) { statuses[index] = source }
            } else {
                statuses.append(source)
            }
        }
        return statuses
    }

    private func index(asking id: InquiryID) -> Int? {
        all.firstIndex { $0.stage == .asking(id) }
    }

    private mutating func report(
        _ outcome: NoticeSource.Outcome, of index: Int, _ orders: inout Orders
    ) -> Report {
        if let id = outcome.endsInquiry { orders.add(.endInquiry(id)) }
        for warning in [outcome.warning, outcome.remark].compactMap({ $0 })
        where printed.insert(warning).inserted {
            orders.warn(warning)
        }
        return Report(
            author: .source(index), source: all[index], ends: outcome.ends,
            advice: outcome.advice)
    }
}

extension Status.Source {
    fileprivate func isBetter(than other: Self) -> Bool {
        (rank, failures) < (other.rank, other.failures)
    }

    private var rank: Int {
        switch state {
        case .ended: 0
        case .watching: 1
        case .asking: 2
        case .failing: 3
        }
    }
}
