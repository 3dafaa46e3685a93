import SuperviseCore
import SuperviseFormats

/// Promise 3: never two at once, and nobody but the attempt that runs is listened to.
struct OneAtATimeWitness {
    func judge(
        _ step: Step, _ before: Ledger, _ after: Ledger, _ world: World
    ) throws(Violation) {
        if step.spawn != nil {
            if let other = world.trees.first(where: \.isAlive) {
                throw Violation("3", "a spawn while attempt \(other.attempt) still lives")
            }
            if before.leaderRuns { throw Violation("3", "a spawn while a leader runs") }
            if !before.orders.isEmpty {
                throw Violation("3", "a spawn while \(before.orders) is being committed")
            }
        }
        guard case .received(let message, let sender, _) = step.event else { return }
        if case .hello(let hello) = message {
            try judge(hello, from: sender, step, after)
        } else if before.members[sender] == nil {
            try judgeStranger(step, before)
        }
    }

    private func judge(
        _ hello: JobMessage.Hello, from sender: ConnectionID, _ step: Step, _ ledger: Ledger
    ) throws(Violation) {
        let isWelcome = step.sends { if case .welcome = $0 { true } else { false } }
            .contains(sender)
        let isOwn = ledger.leaderRuns && hello.token == ledger.token
        if isWelcome != (isOwn && hello.protocol <= 1) {
            throw Violation("3", "a hello with token \(hello.token) got \(step.actions)")
        }
        guard !isWelcome, hello.protocol <= 1 else { return }
        let isTold = step.sends {
            if case .error(let error) = $0 { error.code == .staleToken } else { false }
        }
        if isTold != [sender] || !step.actions.contains(.close(sender)) {
            throw Violation("3", "a stale token is answered with \(step.actions)")
        }
    }

    private func judgeStranger(_ step: Step, _ before: Ledger) throws(Violation) {
        for action in step.actions {
            switch action {
            // The final request of an operator has a place for the begin that was held back.
            case .makeStaging where before.heldBegin != nil: break
            case .makeStaging, .commit, .add, .dropStaging:
                throw Violation("3", "somebody without a token causes \(action)")
            default: break
            }
        }
    }
}
