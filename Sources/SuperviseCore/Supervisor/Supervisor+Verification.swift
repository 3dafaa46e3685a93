import SuperviseFormats

/// What people hear while a checkpoint of many gigabytes is read.
extension Supervisor {
    mutating func verifying(_ id: CheckpointID, _ progress: Event.VerificationProgress) {
        guard phase == .choosing(id), progress.total > 0 else { return }
        let done = SizeText.format(progress.done)
        let rate = SizeText.format(Int64(Double(progress.done) / max(progress.seconds, 0.001)))
        let text = "verifying \(id): \(done) of \(SizeText.format(progress.total)), \(rate)/s"
        verification = text
        publisher.hasProgress = true
        orders.add(.tell(text))
    }
}
