import SuperviseFormats
import SuperviseHost
import SuperviseText

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
