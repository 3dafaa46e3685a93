/// The search for processes that an earlier supervisor has left, while they are ended.
package struct LeftoverClearing: Equatable, Sendable {
    /// Why nobody could tell at the last search whether some are left; nil if a search is under way.
    package private(set) var unseen: String?
    private var ended: [String] = []

    package init() {}

    /// A search begins.
    package mutating func search() { unseen = nil }

    /// A search could not see who is there. That is never taken for nobody.
    package mutating func searchFailed(_ reason: String, ended: [String]) {
        unseen = reason
        self.ended += ended
    }

    /// A search has found that none is left.
    ///
    /// - Returns: all that were ended, by this search and by those before.
    package mutating func noneLeft(ended: [String]) -> [String] {
        defer { self = LeftoverClearing() }
        return self.ended + ended
    }

    package var isToBeSearchedAgain: Bool { unseen != nil }
}

extension Supervisor {
    mutating func leftoversUnseen(_ reason: String, ended: [String], at now: Moment) {
        guard phase == .clearing else { return }
        leftovers.searchFailed(reason, ended: ended)
        hindered(.leftovers(reason), at: now)
    }
}
