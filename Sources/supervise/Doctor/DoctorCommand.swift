import SuperviseFormats
import SuperviseHost
import SuperviseText

/// `supervise doctor [NAME]`.
extension CommandCall {
    /// What the doctor says in JSON.
    private struct Report: Codable {
        var problems: Int
        var findings: [Finding]
    }

    func doctor() throws(Complaint) -> Answer {
        try refuseOperands(after: 1)
        let reader = DoctorReader(
            surroundings: surroundings, place: runs.place, readsAll: values.readsAll,
            placeOption: placeOption)
        var names = try reader.names().map { RunReference($0) }
        if let operand = operands.first, let run = RunReference(operand), run.isArchived {
            _ = try runs.run(operand, for: .doctor)
            names = [run]
        } else if let operand = operands.first {
            guard let name = RunName(operand).map({ RunReference($0) }), names.contains(name)
            else {
                // Says what is wrong with the name, and suggests another.
                _ = try runs.run(operand, for: .doctor)
                throw Complaint(
                    "there is no run \(operand) in \(runs.place.directory)", status: Complaint.no)
            }
            names = [name]
        }
        let facts = names.map(reader.run)
        let findings =
            MachineDoctor(facts: reader.machine(facts)).findings()
            + facts.flatMap { RunDoctor(facts: $0).findings() }
        let problems = findings.count { $0.level == .problem }
        var answer =
            values.json
            ? try json(Report(problems: problems, findings: findings))
            : Answer(
                text: DoctorView(findings: findings, width: surroundings.width ?? 100).render())
        answer.status = problems == 0 ? 0 : Complaint.no
        return answer
    }
}

/// What the doctor says to a person: first of the machine, then of each run.
struct DoctorView {
    let findings: [Finding]
    let width: Int

    func render() -> String {
        var text = ""
        var owner: String?? = .none
        for finding in findings {
            if owner != .some(finding.run) {
                text += (finding.run.map { "run \($0)" } ?? "machine") + "\n"
                owner = .some(finding.run)
            }
            text += lines(of: finding)
        }
        let problems = findings.count { $0.level == .problem }
        let notes = findings.count { $0.level == .note }
        let rest = notes > 0 ? ", \(HumanText.count(notes, "note"))" : ""
        return text
            + "\(problems == 0 ? "no problem" : HumanText.count(problems, "problem"))\(rest)\n"
    }

    private func lines(of finding: Finding) -> String {
        let start =
            "  " + TextLayout.padded(finding.level.rawValue, to: 9)
            + TextLayout.padded(finding.subject, to: 13)
        let margin = String(repeating: " ", count: start.count)
        var text = start + finding.text + "\n"
        if let advice = finding.advice {
            let wrapped = TextLayout.definitions(
                [("", advice)], width: max(40, width - margin.count + 4))
            let broken = wrapped.split(separator: "\n").map { $0.drop { $0 == " " } }
            for (number, line) in broken.enumerated() {
                text += margin + (number == 0 ? "→ " : "  ") + line + "\n"
            }
        }
        return text
    }
}

/// One thing that `supervise doctor` has looked at.
struct Finding: Codable, Equatable, Sendable {
    /// The run that it is about; null where it is about the machine.
    @Null var run: String?
    var level: Level
    /// What was looked at, in a word or two.
    var subject: String
    /// What was found.
    var text: String
    /// What to do; null where there is nothing to do.
    @Null var advice: String?

    enum Level: String, Codable, Sendable {
        case ok
        /// Worth knowing, and no reason not to go on.
        case note
        /// Something does not work, or will not when it is needed.
        case problem
    }

    init(
        _ level: Level, _ subject: String, _ text: String, run: String? = nil,
        advice: String? = nil
    ) {
        self.run = run
        self.level = level
        self.subject = subject
        self.text = text
        self.advice = advice
    }
}
