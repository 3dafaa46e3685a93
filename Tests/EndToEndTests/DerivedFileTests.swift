import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Files that can be made again never keep a run from going on.
@Suite("Derived files", .onStage)
struct DerivedFileTests {
    @Test(
        "a status that is garbage is renamed and written anew",
        arguments: ["", "{", "nonsense", "{\"format\":1}"])
    func garbageStatus(text: String) throws {
        let place = try Place()
        let ids = try place.stoppedRun(saving: [1])
        try place.directory.write("state/it/status.json", text)
        let program = try place.puppet()
        #expect(try program.hello(accepts: false).resume?.id.description == ids[0])
        try place.stop(program)
        #expect(try place.directory.read("state/it/status.json.bad") == text)
        #expect(try place.status().outcome?.kind == .stopped)
    }

    @Test("events that are garbage are renamed and begun anew")
    func garbageEvents() throws {
        let place = try Place()
        let ids = try place.stoppedRun(saving: [1])
        try place.directory.write("state/it/events.jsonl", "nonsense\n")
        let program = try place.puppet()
        #expect(try program.hello(accepts: false).resume?.id.description == ids[0])
        try place.stop(program)
        #expect(try place.directory.read("state/it/events.jsonl.bad") == "nonsense\n")
        #expect(try place.events().last == .finished(Outcome(kind: .stopped, exitCode: 0)))
    }

    @Test("a last line of the events that a crash has torn is cut away, and the rest stays")
    func tornEvents() throws {
        let place = try Place()
        try place.stoppedRun(saving: [1])
        let whole = try place.directory.read("state/it/events.jsonl")
        try place.directory.write("state/it/events.jsonl", whole + "{\"at\":\"20")
        try place.stoppedRun(saving: [])
        let text = try place.directory.read("state/it/events.jsonl")
        #expect(text.hasPrefix(whole))
        #expect(try place.events().last == .finished(Outcome(kind: .stopped, exitCode: 0)))
    }

    @Test("a status and events that are lost are written anew")
    func lost() throws {
        let place = try Place()
        let ids = try place.stoppedRun(saving: [1])
        try Disk().removeFile(place.file("status.json"))
        try Disk().removeFile(place.file("events.jsonl"))
        let program = try place.puppet()
        #expect(try program.hello(accepts: false).resume?.id.description == ids[0])
        try place.stop(program)
        #expect(try place.status().checkpoints == 1)
        #expect(try !place.events().isEmpty)
    }

    @Test("a status of a newer format is left as it is")
    func newerStatus() throws {
        let place = try Place()
        try place.stoppedRun(saving: [1])
        let text = try place.directory.read("state/it/status.json")
        let newer = text.split(separator: "\"format\":1").joined(separator: "\"format\":3")
        try place.directory.write("state/it/status.json", newer)
        let program = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        try program.nextAttempt(2)
        try place.stop(program)
        #expect(try place.directory.read("state/it/status.json") == newer)
    }
}
