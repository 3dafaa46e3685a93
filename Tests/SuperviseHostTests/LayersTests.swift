import SuperviseSystem
import Testing

@testable import supervise

/// What a target below Sources/ may import, bottom up: nothing imports upwards.
private let layers: [String: Set<String>] = [
    "SuperviseSystem": ["CLinux", "Glibc", "Synchronization"],
    "SuperviseFormats": ["FoundationEssentials"],
    "SuperviseCore": ["SuperviseFormats"],
    "SuperviseStore": ["SuperviseSystem", "SuperviseFormats", "Synchronization"],
    "SuperviseText": ["SuperviseSystem", "SuperviseFormats", "SuperviseCore", "SuperviseStore"],
    "SuperviseHost": [
        "SuperviseSystem", "SuperviseFormats", "SuperviseText", "SuperviseCore", "SuperviseStore",
        "Synchronization",
    ],
    "supervise": [
        "SuperviseSystem", "SuperviseFormats", "SuperviseText", "SuperviseCore", "SuperviseStore",
        "SuperviseHost",
    ],
]

/// What is wrong with one file of a target, each with the number of its line.
private func faults(in source: String, of target: String) -> [String] {
    guard let allowed = layers[target] else {
        return ["\(target) has no place among the layers: give it one in LayersTests"]
    }
    let code = SwiftCode(source)
    let imports = code.imports.filter { !allowed.contains($0.module) }
    return imports.map { "\($0.line): \(target) must not import \($0.module)" }
        + code.forcedLines.map { "\($0): something is forced with !" }
        + code.lines(with: "fatalError").map { "\($0): fatalError" }
        + code.lines(with: "public").map { "\($0): public, and nothing is for other packages" }
        + optionLines(in: source, of: target).map { "\($0): an option by its text: use OptionName" }
}

/// The lines, apart from comments, that name an option of ours by its text: only the command line does.
private func optionLines(in source: String, of target: String) -> [Int] {
    guard ["SuperviseText", "SuperviseCore", "SuperviseStore", "SuperviseHost"].contains(target)
    else { return [] }
    // Of other programs.
    let foreign = ["systemctl --user", "\"--config\", \"-\""]
    let names = OptionTable.all.map { "--\($0.name)" }
    let lines = source.split(separator: "\n", omittingEmptySubsequences: false)
    return lines.enumerated().filter { _, line in
        guard line.contains("--"), !foreign.contains(where: { line.contains($0) }),
            !line.drop(while: { $0 == " " }).hasPrefix("//")
        else { return false }
        return names.contains { name in
            line.ranges(of: name).contains { range in
                let next = line[range.upperBound...].first
                return next.map { !$0.isLetter && $0 != "-" } ?? true
            }
        }
    }.map { $0.offset + 1 }
}

@Suite("the layers")
struct LayersTests {
    private static let root = #filePath.split(separator: "/").dropLast(3)
        .reduce("") { "\($0)/\($1)" }

    private static func swiftFiles(below directory: String) throws -> [String] {
        try Disk().list(directory).flatMap { entry in
            let path = "\(directory)/\(entry.name)"
            if entry.kind == .directory { return try swiftFiles(below: path) }
            return entry.name.hasSuffix(".swift") ? [path] : []
        }
    }

    @Test("nothing imports upwards, forces a value or is public")
    func sources() throws {
        let targets = try Disk().list("\(Self.root)/Sources").filter { $0.kind == .directory }
        for target in targets {
            for path in try Self.swiftFiles(below: "\(Self.root)/Sources/\(target.name)") {
                let source = try readSmallFile(path)
                for fault in faults(in: source, of: target.name) {
                    Issue.record("\(path):\(fault)")
                }
            }
        }
        let found = Set(targets.map(\.name))
        #expect(found.isSuperset(of: layers.keys), "a layer is gone: is the table still right?")
    }

    @Test("Foundation is imported nowhere, not even by the tests")
    func foundation() throws {
        let directories = ["Sources", "Tests"].map { "\(Self.root)/\($0)" }
        let files = try directories.flatMap { try Self.swiftFiles(below: $0) }
        #expect(files.count > 50)
        for path in files {
            let imports = SwiftCode(try readSmallFile(path)).imports
            #expect(!imports.contains { $0.module == "Foundation" }, "\(path)")
        }
    }

    @Test("what breaks a rule is found", arguments: Break.all)
    func bites(_ broken: Break) {
        #expect(faults(in: broken.source, of: broken.target).count == 1, "\(broken.source)")
    }

    @Test("what only looks like a break is not", arguments: Break.fine)
    func doesNotBiteInVain(_ fine: Break) {
        #expect(faults(in: fine.source, of: fine.target) == [], "\(fine.source)")
    }
}

/// A file of a target, with one fault or none.
struct Break: Sendable, CustomTestStringConvertible {
    let target: String
    let source: String

    init(_ target: String, _ source: String) {
        self.target = target
        self.source = source
    }

    var testDescription: String { "\(target): \(source)" }

    static let all = [
        Break("SuperviseCore", "import SuperviseSystem"),
        Break("SuperviseCore", "import Glibc"),
        Break("SuperviseCore", "let a = 1; import Glibc"),
        Break("SuperviseFormats", "import Foundation"),
        Break("SuperviseFormats", "package import struct Foundation.Data"),
        Break("SuperviseFormats", "import SuperviseCore"),
        Break("SuperviseCore", "import SuperviseText"),
        Break("SuperviseSystem", "import SuperviseFormats"),
        Break("SuperviseSystem", "/* why */ @_exported import FoundationEssentials"),
        Break("SuperviseStore", "@preconcurrency import SuperviseCore"),
        Break("SuperviseStore", "@testable\u{20}import SuperviseHost"),
        Break("SuperviseHost", "import func Glibc.open"),
        Break("SuperviseHost", "import supervise"),
        Break("supervise", "\n\nimport CLinux\n"),
        Break("SuperviseElsewhere", "import SuperviseFormats"),
        Break("SuperviseCore", "let a = b!"),
        Break("SuperviseCore", "f(x)!.go()"),
        Break("SuperviseCore", "let a = try! b()"),
        Break("SuperviseCore", "let a = b as! Int"),
        Break("SuperviseCore", "var a: Int!"),
        Break("SuperviseCore", "var a: [Int: String]!"),
        Break("SuperviseCore", #"let text = "so \(b!) it is""#),
        Break("SuperviseCore", ##"let text = #"so \#(b!) it is"#"##),
        Break("SuperviseCore", "Swift.fatalError(why)"),
        Break("SuperviseCore", "public struct A {}"),
        Break("SuperviseText", #"let text = "give another --state-dir""#),
    ]

    static let fine = [
        Break("SuperviseCore", "// import Glibc\nimport SuperviseFormats"),
        Break("SuperviseCore", "/* a /* b */ import Glibc */"),
        Break("SuperviseCore", #"let text = "import Glibc; fatalError(\(a)) is public!""#),
        Break("SuperviseCore", #"let text = "he said \"no!\" twice!""#),
        Break("SuperviseCore", "let text = \"\"\"\n    import Glibc \"a\"!\n    \"\"\""),
        Break("SuperviseCore", ##"let text = #"a "quote"! \(b!)"#"##),
        Break("SuperviseCore", "if !a, b != c, d!=e { return !f }"),
        Break("SuperviseCore", "let publicPhase = isPublic(public2)"),
        Break("SuperviseCore", "let important = imports.first"),
        Break("SuperviseSystem", "import CLinux\nimport Glibc\nimport Synchronization"),
    ]
}
