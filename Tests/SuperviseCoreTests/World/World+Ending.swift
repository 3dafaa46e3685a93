import SuperviseCore
import SuperviseFormats

/// What the end waits for: a disk that is slow or hangs, readers that are slow or gone.
extension World {
    func carryOutAtEnd(_ action: Action) {
        switch action {
        case .flushFiles: answerAtEnd(.filesFlushed)
        case .flushOutput:
            // Readers of a pipe are waited for: all of them come to an end.
            let isSlow = !isCalm && chance.happens(plan.recordIsSlow)
            later(.readersServed, after: chance.wait(0.1, isSlow ? 20_000 : 5))
            answerAtEnd(.outputFlushed)
        case .acknowledge: answerAtEnd(.acknowledged)
        case .measureOutput:
            if disk.outputTaken < 4, chance.happens(plan.recordIsSlow) { disk.outputTaken += 1 }
            later(.outputTaken(Int64(disk.outputTaken)), after: 0)
        default: break
        }
    }

    /// The thread that reads may wait for a disk that is slow.
    func readLastOutput(_ attempt: Int) {
        let isSlow = !isCalm && chance.happens(plan.recordIsSlow)
        let wait = chance.wait(0.1, isSlow ? 3_000 : 5)
        later(.outputTail(["the last line of \(attempt)"], attempt: attempt), after: wait)
    }

    private func answerAtEnd(_ event: Event) {
        let isSlow = !isCalm && chance.happens(plan.recordIsSlow)
        if isSlow, chance.happens(0.3) { return }
        later(event, after: chance.wait(0.1, isSlow ? 20_000 : 5))
    }

    /// Nothing that waits is written later.
    func giveUpRecord() {
        disk.records = []
        later(.recordGivenUp(isVisible: disk.isVisible), after: 0)
    }
}
