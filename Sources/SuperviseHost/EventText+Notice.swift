import SuperviseFormats

/// That the machine is taken away, in words.
extension EventText {
    /// What came of a notice, behind the place that the run has come to; empty without one.
    static func saved(_ notice: Status.Notice?) -> String {
        guard let lost = notice?.lostSeconds else { return "" }
        guard lost >= 0.05 else { return ", all of it saved" }
        let from = notice?.saved.map { " (the newest checkpoint is \($0))" } ?? ""
        return "; \(HumanText.duration(lost)) of work lost\(from)"
    }

    static func noticed(_ notice: RunEvent.Noticed) -> String {
        let source = HumanText.printable(notice.source)
        let doubt = notice.doubt.map { " (\(HumanText.printable($0)))" } ?? ""
        guard let left = notice.left else {
            let what =
                switch notice.action {
                case "hibernate": "this machine is about to sleep"
                default: "this machine may be taken away"
                }
            return "\(source): \(what); asking for a checkpoint, and going on\(doubt)"
        }
        let what = notice.action == "stop" ? "switched off" : "taken away"
        return "\(source): this machine is \(what) in \(HumanText.limit(left))\(doubt)"
    }

    static func withdrawn(_ notice: RunEvent.NoticeWithdrawn) -> String {
        let follows =
            switch notice.follows {
            case .goesOn: ": this machine stays, and the job goes on"
            case .ends:
                ", but the job was told to end: the run ends, and the same command goes on with it"
            case .anotherCounts: ", but another one still counts"
            }
        return "\(HumanText.printable(notice.source)): the notice is withdrawn\(follows)"
    }
}
