import SuperviseSystem
import TestSupport
import Testing

/// What docs/SPOT.md begins with, as it stands there.
@Suite(
    "The page of spot machines", .onStage,
    .enabled(if: MetadataService.isThere, "there is no stand-in for the clouds here"))
struct SpotPageTests {
    private static let page = Document("docs/SPOT.md")
    private static let lines =
        page.blocks("sh", marker: nil).first?.text.split(separator: "\n").map(String.init) ?? []

    private static let job = """
        import time
        from supervise_job import Job

        job = Job()
        state = job.load(default={"step": 0})
        while not job.stopping:
            state["step"] += 1
            time.sleep(0.02)
            job.progress(state["step"])
            if job.checkpoint_due:
                job.save(state, step=state["step"])

        """

    @Test("begins with a line for each cloud")
    func isWhole() {
        #expect(Self.lines.count == 3)
        #expect(Self.page.blocks("sh", marker: nil).count == 1, "nobody runs the others")
    }

    @Test("has lines that save all when the machine is taken away, and go on", arguments: lines)
    func line(line: String) throws {
        // What stands behind it is a comment.
        let command = line.prefix { $0 != "#" }
        let workshop = try Workshop()
        let place = try Place()
        let service = try MetadataService(place)
        try workshop.write("train.py", Self.job)
        let exports = service.environment.map { "export \($0)=\($1)\n" }.joined()
        let outcome = try workshop.run(
            """
            \(exports)
            export SUPERVISE_PREEMPT_GRACE=8s
            \(command) &
            until supervise status train --json > status && grep -q '"state":"watching"' status \
                && jq -e '.progress.step > 0' status > /dev/null; do sleep 0.1; done
            curl -sS --noproxy '*' '\(service.base)/_ctl/arm?notice=8'
            status=0
            wait $! || status=$?
            [ $status = 75 ]
            curl -sS --noproxy '*' '\(service.base)/_ctl/disarm'
            \(command) &
            until [ "$(supervise status train --json | jq .attempt)" = 2 ]; do sleep 0.1; done
            supervise stop train
            """)
        #expect(outcome.status == 0, "\(outcome.output)")
        #expect(outcome.output.contains(", all of it saved. To go on:"), "\(outcome.output)")
        #expect(outcome.output.contains("attempt 2, resuming from 0000"), "\(outcome.output)")
    }
}
