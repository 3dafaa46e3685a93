import SuperviseFormats

/// Those who are asked whether the machine is taken away: from the first event until the run has ended,
/// as a notice may change and may be withdrawn.
extension Supervisor {
    /// After every event: whoever is due is asked.
    mutating func askSources(at now: Moment) {
        guard !sources.isEmpty else { return }
        guard !isClosing else {
            endSources()
            return
        }
        for index in sources.indices {
            let id = InquiryID(nextInquiry)
            guard let inquiry = sources[index].next(id, at: now.instant) else { continue }
            nextInquiry += 1
            orders.add(.inquire(id, inquiry))
        }
        setSourceTimer(at: now)
    }

    private mutating func setSourceTimer(at now: Moment) {
        let next = sources.compactMap { source -> Instant? in
            if case .resting(let until) = source.stage { until } else { nil }
        }.min()
        if let next {
            if orders.due(.sources) != next {
                orders.set(.sources, after: next - now.instant, at: now)
            }
        } else if orders.isSet(.sources) {
            orders.cancel(.sources)
        }
    }

    mutating func endSources() {
        for index in sources.indices {
            if let id = sources[index].end() { orders.add(.endInquiry(id)) }
        }
        orders.cancelIfSet(.sources)
    }

    mutating func answered(_ id: InquiryID, _ answer: Inquiry.Answer, at now: Moment) {
        guard let index = source(asking: id) else { return }
        let outcome = sources[index].heard(answer, at: now)
        follow(outcome, of: index, at: now)
    }

    mutating func inquiryEnded(_ id: InquiryID, _ end: Inquiry.End, at now: Moment) {
        guard let index = source(asking: id) else { return }
        let outcome = sources[index].ended(end, at: now.instant)
        follow(outcome, of: index, at: now)
    }

    /// A service that is asked several questions is told of once, by the one that fares worst.
    var toldSources: [Status.Source] {
        var told: [Status.Source] = []
        for source in sources.map(\.status) {
            if let index = told.firstIndex(where: { $0.name == source.name }) {
                if told[index].isBetter(than: source) { told[index] = source }
            } else {
                told.append(source)
            }
        }
        return told
    }

    private func source(asking id: InquiryID) -> Int? {
        sources.firstIndex { $0.stage == .asking(id) }
    }

    private mutating func follow(_ outcome: NoticeSource.Outcome, of index: Int, at now: Moment) {
        if let id = outcome.endsInquiry { orders.add(.endInquiry(id)) }
        // Two sources of one service fail alike.
        for warning in [outcome.warning, outcome.remark].compactMap({ $0 })
        where toldOfSources.insert(warning).inserted {
            orders.warn(warning)
        }
        let source = sources[index]
        if let ends = outcome.ends {
            tell(ends, by: .source(index), named: source.name, at: now) {
                source.acknowledgement(of: $0)
            }
        }
        for notice in outcome.advice { advised(notice, by: source.name, at: now) }
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
