import Testing

/// Every kind of checkpoint with every operation: what works alone works together.
@Suite("Every kind of checkpoint", .onStage)
struct MatrixTests {
    @Test(
        "stands every operation", arguments: CheckpointKind.here, CheckpointOperation.all)
    func cell(kind: CheckpointKind, operation: CheckpointOperation) throws {
        let scene = try MatrixScene(kind)
        // What cannot be made was refused; so there is nothing to do anything with.
        if kind.refusal == nil { try operation.check(scene) }
    }
}
