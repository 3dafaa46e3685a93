import SuperviseSystem
import Testing

/// Runs the tests of a suite on threads of our own, a few at a time: they wait for processes, and a
/// thread of the language's own pool that waits is missing everywhere else.
struct OnStage: SuiteTrait, TestTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing body: @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(Stage.shared) { try await body() }
    }

    func scopeProvider(for test: Test, testCase: Test.Case?) -> Self? {
        testCase == nil ? nil : self
    }
}

extension Trait where Self == OnStage {
    static var onStage: Self { Self() }
}

private final class Stage: TaskExecutor {
    static let shared = Stage()

    /// They never end, so that what they have started lives as long as the tests.
    private let lane = WorkerLane(name: "stage", threads: 6)

    func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        lane.submit { [self] in unowned.runSynchronously(on: asUnownedTaskExecutor()) }
    }
}
