import SuperviseFormats
import Testing

@Suite("The share of its work that a job has done")
struct ProgressFractionTests {
    @Test("counts from the first step")
    func first() {
        #expect(ProgressFraction.of(step: 2027, first: 2025, total: 2060) == 2.0 / 35)
        #expect(ProgressFraction.of(step: 2025, first: 2025, total: 2060) == 0)
        #expect(ProgressFraction.of(step: 2060, first: 2025, total: 2060) == 1)
        #expect(ProgressFraction.of(step: 18, first: nil, total: 40) == 0.45)
        #expect(ProgressFraction.of(step: -5, first: -10, total: 0) == 0.5)
    }

    @Test("is not known without a step, a total, or room between them")
    func unknown() {
        #expect(ProgressFraction.of(step: nil, first: nil, total: 40) == nil)
        #expect(ProgressFraction.of(step: 1, first: nil, total: nil) == nil)
        #expect(ProgressFraction.of(step: 1, first: 40, total: 40) == nil)
        #expect(ProgressFraction.of(step: 1, first: 41, total: 40) == nil)
        #expect(ProgressFraction.of(step: 1, first: nil, total: 0) == nil)
    }

    @Test("is none before the first step, and any number of steps can be counted")
    func extremes() {
        #expect(ProgressFraction.of(step: 1, first: 5, total: 10) == 0)
        #expect(ProgressFraction.of(step: .max, first: .min, total: .max) == 1)
        #expect(ProgressFraction.of(step: .min, first: .max, total: .max) == nil)
    }

    @Test("stands in the manifest, for the step of the checkpoint")
    func manifest() throws {
        var told = Status.Progress()
        #expect(Manifest.Progress(told, at: 7) == nil)
        told.step = 2027
        told.first = 2025
        told.total = 2060
        told.unit = "years"
        let progress = try #require(Manifest.Progress(told, at: 2032))
        #expect(progress.step == 2032 && progress.fraction == 0.2)
        #expect(Manifest.Progress(told, at: nil)?.step == 2027)
        let text = String(decoding: try JSONText.encode(progress), as: UTF8.self)
        #expect(text == #"{"first":2025,"fraction":0.2,"step":2032,"total":2060,"unit":"years"}"#)
    }

    @Test("an older status and manifest are read without the newer keys")
    func older() throws {
        let at = Timestamp(milliseconds: 0)
        let status = Status(
            name: "a", phase: .running, command: ["a"], supervisorPID: 1, attempt: 1, started: at,
            updated: at)
        var object = try JSONText.decode(
            [String: JSONValue].self, from: try JSONText.encode(status))
        object["own_saves"] = nil
        object["to_be_removed"] = nil
        #expect(try JSONText.decode(Status.self, from: try JSONText.encode(object)) == status)
    }
}
