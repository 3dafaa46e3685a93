import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import TestSupport
import Testing

@Suite("reports on hangs")
struct ReportTests {
    @Test("the newest twenty are kept, and nothing else is touched")
    func newest() throws {
        let files = CrashFileSystem()
        let scene = try Scene.begun(files)
        let output = scene.store.paths.output
        try scene.store.derived.saveReport("the first", attempt: 9_999)
        let strangers = ["attempt-0001.log", "hang-.txt", "hang-0001.txt.bak", "hang-x.txt"]
        for name in strangers { try files.writeFile("\(output)/\(name)", []) }
        for attempt in 10_000..<10_022 {
            try scene.store.derived.saveReport("it hung", attempt: attempt)
        }
        let names = try files.list(output).map(\.name).filter { !strangers.contains($0) }
        #expect(names.count == 20 && Set(names).isDisjoint(with: ["hang-9999.txt"]))
        #expect(names.contains("hang-10002.txt") && names.contains("hang-10021.txt"))
        #expect(try files.list(output).count == 24)
        #expect(try files.readFile("\(output)/hang-10021.txt", limit: 100) == Array("it hung".utf8))
    }

    @Test("a file in the place of the directory is told")
    func inTheWay() throws {
        let files = CrashFileSystem()
        let scene = try Scene.begun(files)
        try files.writeFile(scene.store.paths.output, [])
        #expect(throws: StoreError.self) {
            try scene.store.derived.saveReport("it hung", attempt: 1)
        }
    }
}
