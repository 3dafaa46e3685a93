import SuperviseFormats

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
