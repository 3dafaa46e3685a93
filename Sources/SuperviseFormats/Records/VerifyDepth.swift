/// How a checkpoint is looked at before a job goes on from it.
package enum VerifyDepth: String, Codable, CaseIterable, Sendable {
    /// Every byte is read and its SHA-256 compared.
    case digest
    /// Names, sizes and links, and the digest of the manifest.
    case size
    /// That it is there, with a manifest that can be read.
    case none
}
