import Glibc
import SuperviseSystem
import TestSupport
import Testing

/// Real containers: podman as root, with images and volumes of a test's own.
final class Podman {
    private static let engine = "\(repository)/../shared/engines/with-podman"
    static let isPossible = userId() == 0 && pathExists(engine)
    static let whyNot: Comment = "no podman: not root, or no ../shared/engines"

    /// What containers are built from: `supervise`, and below `libraries` what a build for tests needs.
    let path: String

    init() throws {
        var template = Array("/tmp/supervise-pod-XXXXXX".utf8CString)
        path = try #require(mkdtemp(&template).map { String(cString: $0) })
        let prepare = """
            cd "$1"; cp "$2/supervise" "$2/FixtureJob" /bin/sleep .; mkdir libraries
            ldd supervise | grep -o '/[^ ]*' | sort -u | while read file; do
                cp -L --parents "$file" libraries/
            done
            """
        let outcome = try run(["bash", "-euc", prepare, "prepare", path, try buildDirectory()])
        try #require(outcome.status == 0, "\(outcome.output)")
        try write("library", Self.library)
    }

    deinit {
        _ = try? run(["rm", "-rf", "--one-file-system", path])
    }

    func write(_ name: String, _ text: String) throws {
        try Disk().writeFile("\(path)/\(name)", Array(text.utf8))
    }

    /// Runs a script with podman in ``path``.
    ///
    /// - Returns: what the script wrote; a script that fails is an issue.
    @discardableResult
    func run(script: String) throws -> String {
        try write("script", "cd \(path)\nsource ./library\n\(script)\n")
        let outcome = try run(
            [
                "env", "WITH_PODMAN_TIMEOUT=240", Self.engine, "bash", "-euo", "pipefail",
                "\(path)/script",
            ])
        #expect(outcome.status == 0, "\(outcome.output)")
        return outcome.output
    }

    private func run(_ command: [String]) throws -> (status: Int32, output: String) {
        let output = "\(path).output-\(try randomHex(bytes: 4))"
        defer { unlink(output) }
        let words = command.map { "'\($0.replacing("'", with: "'\\''"))'" }.joined(separator: " ")
        let shell = try ShellCommand("exec < /dev/null; \(words) > '\(output)' 2>&1")
        let status = shell.finish()
        let bytes = (try? Disk().readFile(output, limit: 16 << 20)) ?? []
        return (status, String(decoding: bytes, as: UTF8.self))
    }

    /// For scripts. The image `scratch` has `supervise` as its first process and nothing else but what a
    /// build for tests needs; `host` are the options for a container that shows the host's own files.
    private static let library = #"""
        trap 'echo "line $LINENO of the script failed" >&2' ERR
        host="--network=none --rootfs /:O"
        supervise=$PWD/supervise

        build() {
            printf '%s\n' 'FROM scratch' 'COPY libraries/ /' 'COPY supervise /usr/local/bin/supervise' \
                'COPY FixtureJob /job' 'COPY sleep /bin/sleep' 'ENTRYPOINT ["/usr/local/bin/supervise"]' > Containerfile.test
            podman build -q -t scratch -f Containerfile.test . > built
        }

        # Waits until a command succeeds.
        await() {
            local until=$((SECONDS + 60))
            while [ $SECONDS -lt $until ]; do "$@" > awaited 2>&1 && return; sleep 0.1; done
            echo "never: $*" >&2; cat awaited >&2; return 1
        }

        is() { [ "$1" = "$2" ] || { echo "it is \"$1\", and should be \"$2\"" >&2; return 1; }; }
        has() { grep -qF -- "$2" "$1" || { echo "\"$2\" is not in:" >&2; cat "$1" >&2; return 1; }; }
        # Calls a command, keeps what it says in `said`, and wants this exit status.
        exits() { local wanted=$1 got=0; shift; "$@" > said 2>&1 || got=$?; is $got $wanted || { cat said >&2; return 1; }; }
        ended() { is "$(podman inspect -f '{{.State.Status}}' $1)" exited; }
        status() { podman inspect -f '{{.State.ExitCode}}' $1; }

        """#
}
