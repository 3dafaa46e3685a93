import SuperviseCore
import SuperviseFormats

/// Connections, and what people, strangers and the machine do.
extension World {
    func newLink(_ owner: Link.Owner) -> Int {
        let number = links.count + 1
        links[number] = Link(id: .init(number), owner: owner, generation: generation)
        return number
    }

    /// Arrives later, after all that was said on this connection before.
    func say(_ message: JobMessage, on link: Int) {
        guard var connection = links[link], connection.isOpen else { return }
        let at = max(connection.lastDelivery, now + chance.wait(0.01, 5))
        connection.lastDelivery = at
        links[link] = connection
        let seq: Int64? = chance.happens(0.95) ? nextSeq : nil
        nextSeq += 1
        queue.put(.message(message, link: link, seq: seq), at: at)
    }

    func deliver(_ message: JobMessage, _ link: Int, _ seq: Int64?) throws(Violation) {
        guard let connection = links[link], connection.isOpen,
            connection.generation == generation
        else { return }
        try tell(.received(message, from: connection.id, seq: seq))
    }

    func hangUp(_ link: Int) throws(Violation) {
        guard let connection = links[link], connection.isOpen,
            connection.generation == generation
        else { return }
        links[link]?.isOpen = false
        if let job, job.open?.link == link { job.open = nil }
        try tell(.disconnected(connection.id))
    }

    /// The host may still tell that it is gone.
    func close(_ link: Int) {
        guard links[link]?.isOpen == true else { return }
        links[link]?.isOpen = false
        if chance.happens(0.5) { later(.disconnected(.init(link)), after: chance.wait(0.01, 5)) }
    }

    func outsideActs() throws(Violation) {
        put(.outsideActs, after: chance.wait(10, isCalm ? 60_000 : 5_000))
        guard !isCalm else {
            operatorsCalmDown()
            cloud.ending = nil
            cloud.recommendation = nil
            return
        }
        if supervisor != nil, chance.happens(plan.standsStill) { try standStill() }
        if chance.happens(plan.rot) { rotSomething() }
        if chance.happens(plan.unreadable) { makeUnreadable() }
        peoplePinArchives()
        guard supervisor != nil else { return }
        try peopleSaveOrEnd()
        guard supervisor != nil else { return }
        if chance.happens(plan.strangers) { strangerSpeaks() }
        if chance.happens(plan.operators) { operatorSpeaks() }
        if chance.happens(plan.killsSupervisor) {
            if chance.happens(plan.powerCuts) { cutPower() } else { killSupervisor() }
            return
        }
        if chance.happens(plan.signals) {
            let signal = randomSignal()
            if chance.happens(0.4) {
                // Wrappers forward duplicates, and people press the keys again.
                later(signal, after: chance.wait(0.1, 1_500))
                if chance.happens(0.5) { later(signal, after: chance.wait(500, 5_000)) }
            }
            try tell(signal)
        }
    }

    func randomSignal() -> Event {
        switch chance.number(0...5) {
        case 0: .signal(.stop(number: 2, name: "SIGINT"))
        case 1: .signal(.stop(number: 15, name: "SIGTERM"))
        case 2: .signal(.hangUp(number: 1, name: "SIGHUP"))
        case 3: .signal(.checkpoint(name: "SIGUSR1"))
        case 4 where chance.happens(plan.notices * 5): .signal(.preempt(name: "SIGUSR2"))
        default: .signal(.other(number: chance.happens(0.5) ? 28 : 14))
        }
    }

    private func operatorSpeaks() {
        let link = newLink(.operator)
        switch chance.number(0...19) {
        case 14, 15: say(.control(.init(command: "pause")), on: link)
        case 16, 17: say(.control(.init(command: "unpause")), on: link)
        case 18 where chance.happens(plan.restarts):
            say(
                .control(.init(command: "restart", checkpoint: chance.happens(0.5) ? nil : false)),
                on: link)
        case 10: say(.control(.init(command: "prune")), on: link)
        case 11: say(.control(.init(command: "pin", id: someCheckpoint())), on: link)
        case 12: say(.control(.init(command: "unpin", id: someCheckpoint())), on: link)
        case 13: say(.control(.init(command: "delete", id: someCheckpoint())), on: link)
        case 0...3: say(.control(.init(command: "checkpoint")), on: link)
        case 4...6: say(.control(.init(command: "status")), on: link)
        case 7: say(.control(.init(command: "dance")), on: link)
        case 8 where chance.happens(plan.signals * 10):
            say(
                .control(.init(command: "stop", checkpoint: chance.happens(0.5) ? nil : false)),
                on: link)
        default: say(.heartbeat, on: link)
        }
        if chance.happens(0.5) {
            let at = max(links[link]?.lastDelivery ?? 0, now) + chance.wait(0.01, 20_000)
            links[link]?.lastDelivery = at
            queue.put(.hangUp(link: link), at: at)
        }
    }

    private func someCheckpoint() -> CheckpointID {
        let visible = disk.visible
        return visible.isEmpty
            ? CheckpointID(sequence: 1, step: nil) : visible[chance.number(0...(visible.count - 1))]
    }

    /// A process of an earlier attempt, or one that makes its token up.
    private func strangerSpeaks() {
        let link = newLink(.stranger)
        if chance.happens(0.7) {
            let token = "0123456789abcdef" + String(chance.seed(), radix: 16)
            say(.hello(.init(token: token, accepts: ["checkpoint"])), on: link)
        }
        say(.begin(.init(step: 1)), on: link)
        if let open = witness.ledger.open { say(.commit(.init(id: open)), on: link) }
        say(.add(.init(path: "/file")), on: link)
    }
}
