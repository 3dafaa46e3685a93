import SuperviseFormats
import SuperviseSystem
import Testing

private let readme = Document("README.md")
private let protocolPage = Document("docs/PROTOCOL.md")
private let byCI = "run by .ci/run"
private let besideARun = "run beside a run called train"

@Suite("the documents")
struct ReadmeTests {
    @Test("have no block of code that nobody runs")
    func allBlocks() throws {
        let scripts = ["sh", "bash", "python", "console"]
        let blocks = (readme.blocks + protocolPage.blocks).filter { scripts.contains($0.language) }
        let ran =
            readme.blocks("sh", marker: byCI) + readme.blocks("console", marker: nil)
            + Self.scripts + Self.jobs + Self.besideARunBlocks
        #expect(Set(blocks.map(\.testDescription)) == Set(ran.map(\.testDescription)))
        #expect(blocks.count == ran.count && blocks.count >= 10)
        let ci = try readSmallFile("\(repository)/.ci/run")
        for number in 1...readme.blocks("sh", marker: byCI).count {
            #expect(ci.contains("$(readme \(number))"))
        }
    }

    static let scripts = readme.blocks("sh", marker: nil)

    @Test("have scripts that run as they stand", arguments: scripts)
    func script(block: Document.Block) throws {
        let outcome = try Workshop().run(block.text)
        #expect(outcome.status == 0, "\(outcome.output)")
    }

    static let besideARunBlocks =
        readme.blocks("sh", marker: besideARun)
        + protocolPage.blocks("python", marker: besideARun)

    @Test("have commands that do what they say to a run", arguments: besideARunBlocks)
    func commands(block: Document.Block) throws {
        let workshop = try Workshop()
        try workshop.write("block", block.text)
        let outcome = try workshop.run(
            """
            supervise --name train -- python3 examples/digits/train.py --epochs 6 &
            until supervise checkpoint train; do sleep 0.1; done
            \(block.language == "python" ? "python3" : "bash -eu") block
            """)
        #expect(outcome.status == 0, "\(outcome.output)")
        for wanted in block.language == "python"
            ? [#""committed""#, #""ok""#] : ["good", "weights"]
        {
            #expect(outcome.output.contains(wanted), "\(outcome.output)")
        }
    }

    static let jobs =
        readme.blocks("python", marker: nil)
        + protocolPage.blocks("python", "bash", marker: "a job")

    @Test("have jobs that go on where they were stopped", arguments: jobs)
    func job(block: Document.Block) throws {
        let workshop = try Workshop()
        try workshop.write("job", block.text)
        let program = block.language == "python" ? "python3" : "bash"
        let supervise = "supervise --name job --checkpoint-every 200ms -- \(program) job"
        let outcome = try workshop.run(
            """
            \(supervise) &
            until supervise checkpoints job path 2> none-yet; do sleep 0.1; done
            supervise stop job
            wait $! || [ $? = 143 ]
            \(supervise)
            supervise events job
            """)
        #expect(outcome.status == 0, "\(outcome.output)")
        #expect(outcome.output.contains("resuming from 0000"), "\(outcome.output)")
        #expect(outcome.output.contains("completed"), "\(outcome.output)")
    }

    @Test("show the job that is told to run without supervise too")
    func plainly() throws {
        let workshop = try Workshop()
        try workshop.write("job", try #require(readme.blocks("python", marker: nil).first).text)
        #expect(try workshop.run("python3 job").status == 0)
    }

    @Test("show lines that supervise really says")
    func transcript() throws {
        let block = try #require(readme.blocks("console", marker: nil).first)
        let command = try #require(block.text.split(separator: "\n").first).dropFirst(2)
        let outcome = try Workshop().run(
            """
            \(command) 2> said &
            pid=$!
            until supervise checkpoints demo path; do sleep 0.1; done
            kill -9 "$(supervise status demo --json | jq .job_pid)"
            until grep 'attempt 2' said && supervise checkpoint demo; do sleep 0.1; done
            kill -INT $pid
            wait $pid || [ $? = 130 ]
            cat said
            """)
        #expect(outcome.status == 0, "\(outcome.output)")
        let real = Set(outcome.output.split(separator: "\n").map(shape))
        let shown = block.text.split(separator: "\n").filter { $0.hasPrefix("supervise:") }
        #expect(shown.count >= 6)
        for line in shown { #expect(real.contains(shape(line)), "\(line)\n\n\(outcome.output)") }
    }

    /// A line without its numbers, and without the units that go with them.
    private func shape(_ line: Substring) -> String {
        let time = /([0-9]+m)?[0-9]+(\.[0-9]+)? ?(ms|s)\b/
        return String(line).replacing(time, with: "TIME").replacing(/[0-9]+(\.[0-9]+)?/, with: "#")
            .replacing(/[kM]?B in/, with: "BYTES in")
    }

    @Test("tell every option of run, with its default, and no other")
    func options() throws {
        let help = try Workshop().run("supervise run --help").output
        let helped = Set(help.matches(of: /\n {2}(--[a-z-]+)/).map { String($0.1) })
        let rows = readme.text.split(separator: "\n").filter { $0.hasPrefix("| `--") }
        let told = Set(rows.flatMap { $0.matches(of: /`(--[a-z-]+)/).map { String($0.1) } })
        #expect(helped.count > 10)
        #expect(helped == told)
        let page = help.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        for row in rows {
            let columns = row.split(separator: " | ").map { $0.filter { $0 != "`" } }
            guard columns.count > 2, !columns[1].contains(" "), !columns[1].isEmpty else {
                continue
            }
            #expect(page.contains("(default \(columns[1]))"), "\(row)")
        }
    }

    @Test("tell every command")
    func commandTable() throws {
        let help = try Workshop().run("supervise --help").output
        let commands = help.matches(of: /\n {2}([a-z]+) {2,}[A-Z]/).map { String($0.1) }
        #expect(commands.count >= 8)
        for command in commands where command != "run" {
            #expect(readme.text.contains("| `supervise \(command) "), "\(command)")
        }
    }

    @Test("show messages that are understood")
    func conversation() throws {
        let lines = try #require(protocolPage.blocks("text", marker: nil).first).text
            .split(separator: "\n")
        let job = lines.filter { $0.hasPrefix("job ") }.map { $0.drop { $0 != "{" } }
        let supervisor = lines.filter { $0.hasPrefix("supervise ") }.map { $0.drop { $0 != "{" } }
        #expect(job.count >= 4 && supervisor.count >= 4)
        for line in job { _ = try Envelope<JobMessage>.read(Array(line.utf8)) }
        for line in supervisor {
            _ = try JSONText.decode(Envelope<SupervisorMessage>.self, from: line.utf8)
        }
        let errors = try #require(protocolPage.text.split(separator: "## Errors").last)
        let codes = errors.prefix { $0 != "#" }.matches(of: /`([a-z_]+)`/)
            .map { String($0.1) }.filter { $0 != "supported" && $0 != "commit" }
        #expect(codes.count >= 13)
        for code in codes { #expect(ProtocolError.Code(rawValue: code) != nil, "\(code)") }
    }

    @Test(
        "have no dead links",
        arguments: [
            "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/PROTOCOL.md",
            "docs/OPERATION.md", "docs/TROUBLE.md", "docs/SYSTEMD.md", "examples/README.md",
        ])
    func links(path: String) throws {
        let here = path.contains("/") ? String(path.prefix { $0 != "/" }) + "/" : ""
        for link in Document(path).text.matches(of: /\]\(([^)#:]*)(#[^)]*)?\)/) {
            let target = link.1.isEmpty ? "\(repository)/\(path)" : "\(repository)/\(here)\(link.1)"
            _ = try Disk().status(target)
            guard let anchor = link.2 else { continue }
            let headings = try readSmallFile(target).split(separator: "\n")
                .filter { $0.hasPrefix("#") }.map(anchorName)
            #expect(headings.contains(String(anchor)), "\(path): \(link.0)")
        }
    }

    /// As GitHub makes it of a heading.
    private func anchorName(_ heading: Substring) -> String {
        let text = heading.drop { $0 == "#" || $0 == " " }.lowercased()
        return "#"
            + text.filter { $0.isLetter || $0.isNumber || " -_".contains($0) }
            .map { $0 == " " ? "-" : String($0) }.joined()
    }
}
