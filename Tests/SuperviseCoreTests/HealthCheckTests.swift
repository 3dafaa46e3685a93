import SuperviseFormats
import Testing

@testable import SuperviseCore

@Suite("A health check")
struct HealthCheckTests {
    private func status(_ phase: Status.Phase, job: Int?) -> Status {
        let now = Timestamp(milliseconds: 0)
        var status = Status(
            name: "it", phase: phase, command: ["job"], supervisorPID: 1, attempt: 1, started: now,
            updated: now)
        status.jobPID = job
        return status
    }

    @Test(
        "of the supervisor is passed by any answer, and of the job only while that runs",
        arguments: [
            (Status.Phase.starting, nil, false), (.running, 7, true), (.running, nil, false),
            (.backoff, nil, false), (.paused, 7, false), (.stopping, 7, false),
            (.finished, nil, false),
        ] as [(Status.Phase, Int?, Bool)])
    func verdict(phase: Status.Phase, job: Int?, isReady: Bool) {
        let status = status(phase, job: job)
        #expect(HealthCheck.supervisor.isPassed(by: status))
        #expect(HealthCheck.job.isPassed(by: status) == isReady)
    }
}
