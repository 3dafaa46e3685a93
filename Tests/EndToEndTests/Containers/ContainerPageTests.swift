import Testing

private let page = Document("docs/CONTAINERS.md")

/// What the page says to paste, pasted.
@Suite("docs/CONTAINERS.md", .enabled(if: Podman.isPossible, Podman.whyNot), .onStage, .serialized)
struct ContainerPageTests {
    /// A build for tests needs libraries; a release does not.
    private static func begin() throws -> String {
        let file = try #require(page.blocks("dockerfile", marker: nil).first).text
        let ours = file.replacing("FROM scratch\n", with: "FROM scratch\nCOPY libraries/ /\n")
        return "cat > Containerfile << 'END'\n\(ours)END\ncp sleep job\n"
            // Containers have no network here.
            + "podman() { local c=$1; shift; [ $c != run ] || set -- --network=none \"$@\"; "
            + "command podman $c \"$@\"; }\n"
    }

    @Test("has no block of code that nobody runs")
    func allBlocks() {
        #expect(page.blocks.map(\.language) == ["dockerfile", "sh", "yaml"])
    }

    @Test("has an image and commands that do what they say")
    func commands() throws {
        let lines = try #require(page.blocks("sh", marker: "run with podman").first).text
            .split(separator: "\n").map(String.init)
        try #require(lines.count == 6)
        let job = #"CMD ["/job"]"#
        let podman = try Podman()
        try podman.run(
            script: """
                \(try Self.begin().replacing(job, with: #"CMD ["/job", "1000"]"#))
                \(lines[0]) > built
                \(lines[1])
                await podman exec train supervise status train --check job
                \(lines[2]) > said
                has said "train  running  attempt 1"
                # This job has no checkpoints.
                exits 1 \(lines[3])
                \(lines[4])
                is $(status train) 143
                \(lines[5])
                await podman exec train supervise status train --check job
                exits 0 podman exec train supervise status train --check job
                has said "attempt 2"
                """)
    }

    @Test("has a pod whose probes are answered")
    func pod() throws {
        let pod = try #require(page.blocks("yaml", marker: nil).first).text
        let probes = pod.split(separator: "\n").compactMap { line -> String? in
            let parts = line.split(separator: "command: ")
            return parts.dropFirst().first?.filter { !"[],\"".contains($0) }
        }
        try #require(probes.count == 2)
        let podman = try Podman()
        try podman.write("pod.yaml", pod)
        try podman.run(
            script: """
                \(try Self.begin().replacing(#"CMD ["/job"]"#, with: #"CMD ["/job", "1000"]"#))
                podman build -q -t train . > built
                # There is no systemd here that would call the probes.
                sed '/livenessProbe/,/periodSeconds/d; /readinessProbe/,/timeoutSeconds/d' \\
                    pod.yaml > plain.yaml
                podman kube play --network=none plain.yaml > said 2>&1 || { cat said; exit 1; }
                await podman exec train-train \(probes[0])
                await podman exec train-train \(probes[1])
                podman stop -t 60 train-train > stopped
                is $(status train-train) 143
                """)
    }
}
