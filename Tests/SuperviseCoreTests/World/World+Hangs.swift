import SuperviseCore
import SuperviseFormats

/// The looks at a job that hangs: mostly quick, sometimes without an end.
extension World {
    func examine() {
        begin(.examined(.init(text: "it sleeps", processes: 1, threads: 1)), upTo: 6_000)
    }

    func runOnHang() {
        begin(.onHangEnded("look: ended with status 0"), upTo: 60_000)
    }

    private func begin(_ answer: Event, upTo longest: Double) {
        diagnosisSerial += 1
        diagnosis = (answer, diagnosisSerial)
        let hangs = !isCalm && chance.happens(plan.diagnosisHangs)
        guard !hangs || chance.happens(0.5) else { return }
        put(
            .diagnosed(serial: diagnosisSerial),
            after: chance.wait(0.1, hangs ? longest : 100))
    }

    /// It is answered at once, with what there is.
    func endDiagnosis() {
        guard let diagnosis else { return }
        self.diagnosis = nil
        later(diagnosis.answer, after: 0)
    }

    func diagnosed(_ serial: Int) throws(Violation) {
        guard let diagnosis, diagnosis.serial == serial else { return }
        self.diagnosis = nil
        try tell(diagnosis.answer)
    }
}
