import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import TestSupport
import Testing

@Suite("the status and the events")
struct DerivedTests {
    @Test("the events are kept in files of limited size, the oldest go")
    func rotation() throws {
        var limits = StoreLimits()
        limits.eventFile = 400
        let files = CrashFileSystem()
        try Scene.begun(files).store.derived.append([event(0)])
        let scene = try Scene(files, limits: limits)
        for number in 1...60 { try scene.store.derived.append([event(number)]) }
        let names = try files.list(scene.store.paths.run).map(\.name)
        #expect(names.filter { $0.hasPrefix("events") }.count == 4)
        for name in names where name.hasPrefix("events") {
            #expect(try files.status("\(scene.store.paths.run)/\(name)").size <= 400)
        }
        let events = try scene.store.derived.readEvents()
        #expect(events.count > 8 && events == (61 - events.count...60).map(event))
        #expect(try scene.store.derived.readEvents(last: 3) == (58...60).map(event))
        #expect(try scene.store.derived.readEvents(last: 8) == (53...60).map(event))
    }

    @Test("lines of one batch are written at once")
    func batch() throws {
        let files = CrashFileSystem()
        let scene = try Scene.begun(files)
        try scene.store.derived.append([event(0)])
        files.clearCalls()
        try scene.store.derived.append((1...100).map(event))
        try scene.store.derived.append([])
        #expect(files.calls.filter(\.isMutation).map(\.name) == ["append"])
    }

    @Test(
        "a line that was cut off is cut away, and the rest stays",
        arguments: ["{\"at\":\"2026-11", "\u{0}\u{0}\u{0}\u{0}", "{", "garbage"])
    func tornLine(torn: String) throws {
        let files = CrashFileSystem()
        let scene = try Scene.begun(files)
        try scene.store.derived.append([event(1), event(2)])
        try files.append(Array(torn.utf8), to: scene.store.paths.events)
        let next = try Scene(files)
        try next.store.derived.append([event(3)])
        #expect(try next.store.derived.readEvents() == [event(1), event(2), event(3)])
        let lines = try files.readFile(next.store.paths.events, limit: 10_000)
            .split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        #expect(lines.count == 4)
    }

    @Test("a first line that was cut off leaves an empty file")
    func tornFirstLine() throws {
        let files = CrashFileSystem()
        let scene = try Scene.begun(files)
        try files.writeFile(scene.store.paths.events, Array("{\"at\"".utf8))
        try scene.store.derived.append([event(1)])
        #expect(try scene.store.derived.readEvents() == [event(1)])
        #expect(throws: SystemError.self) { try files.status("\(scene.store.paths.events).bad") }
    }

    @Test(
        "events that are garbage are put aside", arguments: ["\u{1}\u{2}\u{3}", "no\njson\n", "\n"])
    func garbageEvents(content: String) throws {
        let files = CrashFileSystem()
        let scene = try Scene.begun(files)
        let path = scene.store.paths.events
        try files.writeFile(path, Array(content.utf8))
        try scene.store.derived.append([event(1)])
        #expect(try scene.store.derived.readEvents() == [event(1)])
        #expect(try files.readFile("\(path).bad", limit: 100) == Array(content.utf8))
    }

    @Test("a status that is garbage is put aside, and a good one is only replaced")
    func garbageStatus() throws {
        let files = CrashFileSystem()
        let scene = try Scene.begun(files)
        let path = scene.store.paths.status
        try files.writeFile(path, Array("{\"format\":1".utf8))
        #expect(throws: StoreError.self) { try scene.store.derived.readStatus() }
        try scene.store.derived.publish(status(attempt: 1))
        #expect(try files.readFile("\(path).bad", limit: 100) == Array("{\"format\":1".utf8))
        files.clearCalls()
        try scene.store.derived.publish(status(attempt: 2))
        #expect(files.calls.map(\.name) == ["write", "rename"])
        #expect(try scene.store.derived.readStatus()?.attempt == 2)
    }

    @Test("where nothing was written there is nothing to read")
    func nothing() throws {
        let scene = try Scene.begun(CrashFileSystem())
        #expect(try scene.store.derived.readStatus() == nil)
        #expect(try scene.store.derived.readEvents().isEmpty)
    }
}
