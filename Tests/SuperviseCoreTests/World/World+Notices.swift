import SuperviseCore
import SuperviseFormats

/// Notices: by a signal, or by whoever is asked; then the machine is cut off.
extension World {
    private static let second: Int64 = 1_000_000_000

    func inquire(_ id: InquiryID, _ inquiry: Inquiry) {
        cloud.asking[id] = Cloud.Asking(inquiry: inquiry)
        put(.cloudSpeaks(id, generation: generation), after: chance.wait(0.1, 300))
    }

    /// What is on its way may still be told.
    func endInquiry(_ id: InquiryID) {
        guard let asking = cloud.asking.removeValue(forKey: id) else { return }
        guard chance.happens(0.2) else { return }
        if case .program = asking.inquiry {
            let late = Cloud.Meaning.ends(nil, action: "terminate", words: "{}")
            later(.answered(id, answer(late, body: "{}")), after: chance.wait(0.1, 500))
        }
        later(.inquiryEnded(id, .exited(status: 1)), after: chance.wait(0.1, 500))
    }

    func peopleSaveOrEnd() throws(Violation) {
        if chance.happens(plan.recommendations) {
            cloud.recommendation = "r\(cloud.version)"
            cloudChanges()
        }
        guard chance.happens(plan.notices) else { return }
        if settings.preempt != nil, chance.happens(0.7) {
            if cloud.ending == nil {
                beginEnding()
            } else if chance.happens(plan.noticeChanges) {
                changeEnding()
            }
        } else {
            try tell(.signal(.preempt(name: "SIGUSR2")))
        }
    }

    private func beginEnding() {
        var left = chance.wait(100, chance.happens(0.2) ? 900_000 : 130_000)
        let actions = ["terminate", "terminate", "stop", "hibernate"]
        let lie = chance.happens(plan.lies) ? Cloud.Lie.allCases[chance.number(0...4)] : nil
        let action = actions[chance.number(0...3)]
        switch (settings.preempt?.kind, lie) {
        case (.gcp, _) where action == "stop": left = settings.maintenanceGrace.wholeNanoseconds
        case (.gcp, _): left = settings.preemptGrace.wholeNanoseconds
        case (.azure, .missing) where action == "stop", (.azure, .noTime) where action == "stop":
            left = settings.maintenanceGrace.wholeNanoseconds
        case (_, .missing), (_, .noTime): left = settings.preemptGrace.wholeNanoseconds
        default: break
        }
        cloud.ending = Cloud.Ending(
            action: action, at: now + left, identity: "e\(cloud.version)",
            lie: lie)
        cloudChanges()
        cutOff(after: left)
    }

    /// It comes sooner or later than was said, becomes harsher, or is withdrawn.
    private func changeEnding() {
        guard var ending = cloud.ending else { return }
        if chance.happens(0.4) {
            cloud.ending = nil
            cloudChanges()
            if !cloud.isSignalled { cloud.cutAt = nil }
            return
        }
        if chance.happens(0.3) { ending.action = "terminate" }
        let left = chance.wait(100, chance.happens(0.5) ? 30_000 : 400_000)
        ending.at = now + left
        ending.lie = nil
        cloud.ending = ending
        cloudChanges()
        if !cloud.isSignalled { cloud.cutAt = nil }
        cutOff(after: left)
    }

    /// Some do it late.
    func cutOff(after left: Int64) {
        let at = now + max(left, 2 * Self.second) + chance.wait(1, 3_000)
        guard cloud.cutAt.map({ at < $0 }) ?? true else { return }
        cloud.cutAt = at
        queue.put(.machineIsTaken(bootID: bootID, at: at), at: at)
    }

    func machineIsTaken(_ bootID: Int, at: Int64) {
        guard self.bootID == bootID, cloud.cutAt == at, !isCalm else { return }
        note("THE MACHINE IS TAKEN AWAY")
        if supervisor != nil { cutPower() } else { moveAway() }
    }

    /// Whoever goes on does so on another machine.
    func moveAway() {
        bootID += 1
        cloud = Cloud()
        guardLives = false
        for tree in trees.indices {
            trees[tree].leaderIsAlive = false
            trees[tree].descendants = []
        }
        job?.isAlive = false
    }

    private func cloudChanges() {
        cloud.version += 1
        for id in cloud.asking.keys.sorted(by: { $0.number < $1.number }) {
            put(.cloudSpeaks(id, generation: generation), after: chance.wait(0.1, 2_500))
        }
    }

    /// One answer; those between, which tell of nothing, are left out.
    func cloudSpeaks(_ id: InquiryID) throws(Violation) {
        guard let asking = cloud.asking[id] else { return }
        if !isCalm, chance.happens(plan.sourceFails) {
            try fail(id, asking)
            return
        }
        switch asking.inquiry {
        case .program: try programSpeaks(id)
        case .requests(let requests): try answerNext(id, asking, requests)
        }
    }

    private func answerNext(
        _ id: InquiryID, _ asking: Cloud.Asking, _ requests: HTTPRequests
    ) throws(Violation) {
        let url = requests.urls[asking.next]
        if url.contains("wait_for_change"), !url.hasSuffix("last_etag=\(etag(of: url))") {
            // It has changed.
        } else if url.contains("wait_for_change"), asking.line == 0 {
            cloud.asking[id]?.line = 1
            put(.cloudSpeaks(id, generation: generation), after: chance.wait(1_000, 300_000))
            return
        }
        cloud.asking[id]?.next += 1
        try tell(.answered(id, answer(url, requests)))
        guard let next = cloud.asking[id]?.next else { return }
        if next < requests.urls.count {
            let spacing = requests.spacing == nil ? 300.0 : isCalm ? 60_000 : 40_000
            put(.cloudSpeaks(id, generation: generation), after: chance.wait(10, spacing))
        } else {
            cloud.asking[id] = nil
            try tell(.inquiryEnded(id, .exited(status: 0)))
        }
    }

    private func answer(_ url: String, _ requests: HTTPRequests) -> Inquiry.Answer {
        let path = url.dropFirst(PreemptSource.base.count)
        if path.hasPrefix("/computeMetadata") { return gcp(String(path)) }
        if path.hasPrefix("/metadata") { return azure(String(path)) }
        return aws(String(path), requests)
    }

    private func aws(_ path: String, _ requests: HTTPRequests) -> Inquiry.Answer {
        if path == "/latest/api/token" {
            cloud.tokens += 1
            let token = "token-\(cloud.tokens)"
            cloud.token = token
            return answer(.aside, body: token)
        }
        if chance.happens(0.02) { cloud.token = nil }
        guard let token = cloud.token, requests.headers == ["X-aws-ec2-metadata-token: \(token)"]
        else { return answer(.aside, status: 401) }
        if path.hasSuffix("rebalance") {
            guard let told = cloud.recommendation else { return answer(.aside, status: 404) }
            return answer(.saves("checkpoint" + told), body: #"{"noticeTime":"\#(told)"}"#)
        }
        guard let ending = cloud.ending else { return answer(.nothing, status: 404) }
        let (written, dated, meaning) = time(of: ending, most: 120) {
            "\($0)".prefix(19) + "Z"
        }
        let time = written.map { #","time":"\#($0)""# } ?? ""
        return answer(meaning, body: #"{"action":"\#(ending.action)"\#(time)}"#, date: dated)
    }

    private func azure(_ path: String) -> Inquiry.Answer {
        if path.hasPrefix("/metadata/instance") {
            cloud.isNamed = true
            return answer(.aside, body: #"{"compute":{"name":"VM1"}}"#)
        }
        func event(_ id: String, _ type: String, _ machine: String, _ time: String?) -> String {
            #"{"EventId":"\#(id)","EventType":"\#(type)","Resources":["\#(machine)"]"#
                + (time.map { #","NotBefore":"\#($0)""# } ?? "") + "}"
        }
        // Where the name is not known every event counts, and so there are no others here.
        let other = event(
            "x", cloud.isNamed ? "Terminate" : "Paint", "vm2", "Mon, 19 Sep 2026 18:29:47 GMT")
        if let ending = cloud.ending {
            guard ending.action != "hibernate" else {
                let freeze = event(ending.identity, "Freeze", "vm1", "")
                let identity = "checkpoint" + ending.identity
                return answer(
                    .saves(identity, withdraws: true),
                    body: #"{"Events":[\#(other),\#(freeze)]}"#)
            }
            let type = ending.action == "stop" ? "Reboot" : "Preempt"
            let (written, dated, meaning) = time(
                of: ending, most: 3600, Cloud.http)
            // One that has started tells no time any more, and it is now.
            let own = event(ending.identity, type, "vm1", written ?? "")
            let isNow = Cloud.Meaning.ends(
                0, action: ending.action == "stop" ? "stop" : "terminate",
                words: ending.identity + "now")
            return answer(
                written == nil ? isNow : meaning, body: #"{"Events":[\#(other),\#(own)]}"#,
                date: dated)
        }
        return answer(.nothing, body: #"{"Events":[\#(other)]}"#)
    }

    private func etag(of url: String) -> String {
        let told = url.contains("maintenance-event") ? gcpMaintenance : gcpPreempted
        return (url.contains("maintenance-event") ? "m" : "p") + (told ?? "0")
    }

    private var gcpPreempted: String? {
        cloud.ending.flatMap { $0.action == "stop" ? nil : $0.identity }
    }

    private var gcpMaintenance: String? {
        cloud.ending.flatMap { $0.action == "stop" ? $0.identity : nil } ?? cloud.recommendation
    }

    private func gcp(_ path: String) -> Inquiry.Answer {
        let tag = etag(of: path)
        func said(_ word: String, _ meaning: Cloud.Meaning) -> Inquiry.Answer {
            .init(status: 200, headers: ["etag": tag, "means": meaning.text], body: word)
        }
        func ends(_ action: String, _ word: String) -> Inquiry.Answer {
            said(word, .ends(nil, action: action, words: word))
        }
        if path.contains("maintenance-event") {
            if cloud.ending?.action == "stop" { return ends("stop", "TERMINATE_ON_HOST") }
            guard cloud.recommendation != nil else { return said("NONE", .nothing) }
            return said("MIGRATE\n", .saves("checkpointMIGRATE" + tag, withdraws: true))
        }
        return gcpPreempted == nil ? said("FALSE", .nothing) : ends("terminate", "TRUE")
    }

    /// The time as it is written, the date of the answer, and what a careful reader makes of both.
    private func time(
        of ending: Cloud.Ending, most: Int64,
        _ write: (Timestamp) -> some StringProtocol
    ) -> (written: String?, date: String?, Cloud.Meaning) {
        let wall = moment.wall
        let clock = wall.advanced(bySeconds: plan.skew)
        let isDated = plan.skew != 0 || chance.happens(0.5)
        let date = isDated ? Cloud.http(clock) : nil
        var at = clock.advanced(bySeconds: Double(ending.at - now) / 1e9)
        let hibernates = ending.action == "hibernate"
        func ends(_ left: Int64?, _ written: String) -> Cloud.Meaning {
            // One of AWS's is told by its words alone.
            let identity = settings.preempt?.kind == .aws ? "" : ending.identity
            return .ends(left, action: ending.action, words: identity + written)
        }
        switch ending.lie {
        case .noTime: return ("soon", date, hibernates ? saves(ending, "soon") : ends(nil, "soon"))
        case .missing: return (nil, date, hibernates ? saves(ending, "") : ends(nil, ""))
        case .past: at = at.advanced(bySeconds: -1_000_000)
        case .century: at = at.advanced(bySeconds: 3_200_000_000)
        case .soon: at = clock
        case nil: break
        }
        at = Cloud.second(at)
        let left = at.seconds(since: isDated ? Cloud.second(clock) : wall)
        let written = String(write(at))
        guard left > -120, left < 86_400, !hibernates else {
            let action = hibernates ? "hibernate" : "checkpoint"
            // What cannot be true withdraws nothing.
            let isTrue = left > -120 && left < 86_400
            return (
                written, date, .saves(action + ending.action + written, withdraws: isTrue)
            )
        }
        let nanoseconds = min(max(0, Int64(left * 1000)), most * 1000) * 1_000_000
        return (written, date, ends(nanoseconds, written))
    }

    private func saves(_ ending: Cloud.Ending, _ written: String) -> Cloud.Meaning {
        .saves("hibernate" + ending.action + written, withdraws: true)
    }

    private func answer(
        _ meaning: Cloud.Meaning, status: Int = 200, body: String = "", date: String? = nil
    ) -> Inquiry.Answer {
        var headers = ["means": meaning.text]
        headers["date"] = date
        return .init(status: status, headers: headers, body: body)
    }

    private func programSpeaks(_ id: InquiryID) throws(Violation) {
        if let told = cloud.recommendation, cloud.asking[id]?.line == 0 {
            cloud.asking[id]?.line = 1
            let line = #"{"action":"checkpoint","why":"\#(told)"}"#
            try tell(.answered(id, answer(.saves("checkpoint" + line), status: 0, body: line)))
            guard cloud.asking[id] != nil else { return }
        }
        let isOver: Bool
        if let ending = cloud.ending {
            let (line, meaning) = lastWords(ending)
            try tell(.answered(id, answer(meaning, status: 0, body: line)))
            isOver = chance.happens(0.5)
        } else if chance.happens(0.3) {
            let gone = chance.happens(0.5) ? "gone" : #"{"action":"gone"}"#
            try tell(.answered(id, answer(.nothing, status: 0, body: gone)))
            isOver = chance.happens(0.2)
        } else {
            isOver = chance.happens(0.2)
        }
        guard cloud.asking[id] != nil else { return }
        if isOver {
            cloud.asking[id] = nil
            try tell(.inquiryEnded(id, .exited(status: 0)))
        } else {
            let longest = isCalm ? 100_000.0 : 60_000
            put(.cloudSpeaks(id, generation: generation), after: chance.wait(100, longest))
        }
    }

    private func lastWords(_ ending: Cloud.Ending) -> (String, Cloud.Meaning) {
        var seconds = max(0, Double(ending.at - now) / 1e9)
        switch ending.lie {
        case .past: seconds = -1e6
        case .century: seconds = 3.2e9
        case .soon: seconds = -1
        case .noTime: return (#"{"deadline_s":"soon"}"#, .aside)
        case .missing: return ("{}", .ends(nil, action: "terminate", words: "{}"))
        case nil: break
        }
        let line = #"{"deadline_s":\#(seconds),"action":"\#(ending.action)"}"#
        let hibernates = ending.action == "hibernate"
        if ending.lie == .past || ending.lie == .century {
            return (line, .saves((hibernates ? "hibernate" : "checkpoint") + line))
        }
        if hibernates { return (line, .saves("hibernate" + line)) }
        let left = max(0, Int64(seconds * 1000)) * 1_000_000
        return (line, .ends(left, action: ending.action, words: line))
    }

    /// It does not answer, or not as it should.
    private func fail(_ id: InquiryID, _ asking: Cloud.Asking) throws(Violation) {
        let url = if case .requests(let all) = asking.inquiry { all.urls[asking.next] } else { "" }
        // No interruption is planned, whatever else that answer says.
        let missing = url.hasSuffix("instance-action") ? Cloud.Meaning.nothing : .aside
        var answers = [
            answer(.aside, status: 500, body: "oops"), answer(.aside, status: 429),
            answer(missing, status: 404, body: "<html>"), answer(.aside, body: "<html>"),
            answer(.aside, body: "\u{0}{"), answer(.aside),
        ]
        answers.append(.init(headers: ["means": "aside"], error: "curl: (28) timed out"))
        if case .program = asking.inquiry {
            answers = ["", "done", "{", #"{"action":"dance"}"#, #"{"deadline_s":"#].map {
                answer(.aside, status: 0, body: $0)
            }
        }
        let ends: [Inquiry.End] = [
            .exited(status: 28), .exited(status: 0), .failed("it was ended by SIGKILL"), .tooOld,
        ]
        switch chance.number(0...9) {
        case 0: break  // It hangs for ever.
        case 1...6:
            cloud.asking[id]?.next += 1
            try tell(.answered(id, answers[chance.number(0...(answers.count - 1))]))
            guard let next = cloud.asking[id]?.next else { return }
            if case .requests(let all) = asking.inquiry, next >= all.urls.count {
                cloud.asking[id] = nil
                try tell(.inquiryEnded(id, .exited(status: 0)))
            } else {
                put(.cloudSpeaks(id, generation: generation), after: chance.wait(10, 5_000))
            }
        default:
            cloud.asking[id] = nil
            try tell(.inquiryEnded(id, ends[chance.number(0...3)]))
        }
    }
}
