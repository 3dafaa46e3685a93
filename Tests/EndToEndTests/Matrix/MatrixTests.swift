import Testing

/// Every kind of checkpoint with every operation: what works alone works together.
@Suite("Every kind of checkpoint", .onStage)
struct MatrixTests {
    @Test(
        "stands every operation", arguments: CheckpointKind.here, CheckpointOperation.all)
    func cell(kind: CheckpointKind, operation: CheckpointOperation) throws {
        let scene = try MatrixScene(kind)
        // A kind that cannot be made was refused: there is no checkpoint to try.
        if kind.refusal == nil { try operation.check(scene) }
    }
}
