import SuperviseFormats

/// Jobs that speak sd_notify(3): each word is a sign of life, as each message of the protocol is.
extension Supervisor {
    mutating func noticed(_ notices: [JobNotice], at now: Moment) {
        guard phase == .running, attempt != nil, !notices.isEmpty else { return }
        attempt?.hang.signOfLife(at: now.counted)
        for notice in notices {
            switch notice {
            case .ready:
                // As good as a hello: it has got beyond its start.
                attempt?.greeted()
                hasEverGreeted = true
            case .status(let text):
                progress.say(text)
                publisher.noteChange()
            case .alive, .stopping: break
            }
        }
    }
}
