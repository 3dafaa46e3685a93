import Glibc
import SuperviseSystem
import Testing

@Suite("What processes are doing")
struct ExaminationTests {
    private func examine(except helpers: [Int32] = []) -> ProcessFindings {
        let examination = ProcessExamination()
        examination.run(JobTree(helpers: helpers, sparing: nil))
        return examination.findings
    }

    private func found(_ pid: Int32, in findings: ProcessFindings) -> ProcessFindings.Process? {
        findings.processes.first { $0.pid == pid }
    }

    @Test("a child, its child, their words and where they wait are found")
    func tree() throws {
        let scene = try Scene(command: ["sh", "-c", "sleep 1000 & echo $!; wait"])
        let line = try #require(try scene.readLine())
        let grandchild = try #require(Int32(line))
        // The shell may not have come to wait yet, nor the other one to sleep.
        var findings = examine()
        while found(scene.child.pid, in: findings)?.threads.first?.state != "S"
            || found(grandchild, in: findings)?.threads.first?.state != "S"
            || found(grandchild, in: findings)?.name != "sleep"
        {
            sched_yield()
            findings = examine()
        }
        let shell = try #require(found(scene.child.pid, in: findings))
        #expect(shell.parent == getpid())
        #expect(shell.command == "sh -c sleep 1000 & echo $!; wait")
        #expect(shell.threads.map(\.number) == [scene.child.pid])
        let sleep = try #require(found(grandchild, in: findings))
        #expect(sleep.parent == scene.child.pid && sleep.command == "sleep 1000")
        #expect(sleep.threads[0].waitChannel.contains("nanosleep"))
        if geteuid() == 0 { #expect(sleep.threads[0].stack?.contains("nanosleep") == true) }
        #expect(findings.isComplete && findings.leftOut == 0)
        kill(grandchild, SIGKILL)
    }

    @Test("helpers and what they have started are left out")
    func helpers() throws {
        let scene = try Scene(command: ["sh", "-c", "sleep 1000 & echo $!; wait"])
        let line = try #require(try scene.readLine())
        let grandchild = try #require(Int32(line))
        let findings = examine(except: [scene.child.pid])
        #expect(found(scene.child.pid, in: findings) == nil)
        #expect(found(grandchild, in: findings) == nil)
        kill(grandchild, SIGKILL)
    }

    @Test("a stopped process is told as stopped")
    func stopped() throws {
        let scene = try Scene(command: ["sh", "-c", "kill -STOP $$"])
        while found(scene.child.pid, in: examine())?.threads.first?.state != "T" { sched_yield() }
        #expect(examine().text.contains("T, stopped by a signal"))
    }

    @Test("a name may have brackets and line ends in it")
    func strangeName() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(") S 1 (\n", "#!/bin/sh\nread line\n", mode: 0o700)
        let scene = try Scene(command: [file])
        while found(scene.child.pid, in: examine())?.name != ") S 1 (?" { sched_yield() }
        let process = try #require(found(scene.child.pid, in: examine()))
        #expect(process.parent == getpid())
        #expect(process.command?.contains("\n") == false)
    }

    @Test("a stack that several threads have is written once")
    func sameStack() {
        var findings = ProcessFindings()
        let threads = (1...3).map { number in
            ProcessFindings.Thread(
                number: number, name: "worker", state: "S", processorTime: 1234,
                waitChannel: "futex_wait", stack: "[<0>] futex_wait\n[<0>] do_futex\n")
        }
        findings.processes = [.init(pid: 1, parent: 0, name: "job", command: "job --run")]
        findings.processes[0].threads = threads
        findings.isComplete = true
        #expect(
            findings.text == """
                process 1, parent 0: job --run
                  thread 1 worker: S, sleeping, cpu 12.34 s, in futex_wait
                      [<0>] futex_wait
                      [<0>] do_futex
                  thread 2 worker: S, sleeping, cpu 12.34 s, in futex_wait
                      the stack of thread 1
                  thread 3 worker: S, sleeping, cpu 12.34 s, in futex_wait
                      the stack of thread 1

                """)
    }

    @Test("what could not be read is said")
    func incomplete() {
        var findings = ProcessFindings()
        findings.processes = [.init(pid: 7, parent: 1, name: "job")]
        findings.processes[0].threads = [
            .init(
                number: 7, name: "job", state: "D", processorTime: 5, waitChannel: "", stack: nil)
        ]
        findings.leftOut = 3
        let text = findings.text
        #expect(text.contains("process 7, parent 1: (job), its command line cannot be read now"))
        #expect(text.contains("cpu 0.05 s") && text.contains("where no signal reaches it"))
        #expect(text.contains("read by root only") && text.contains("… and 3 more threads"))
        #expect(text.contains("did not come to its end in time"))
    }
}
