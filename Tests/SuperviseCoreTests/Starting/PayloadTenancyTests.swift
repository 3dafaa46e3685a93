import SuperviseCore
import SuperviseFormats
import Testing

@Suite("Whose a checkpoint directory is")
struct PayloadTenancyTests {
    typealias Other = PayloadTenancy.Other
    typealias Verdict = PayloadTenancy.Verdict

    static let others: [Other] = [.us, .here, .elsewhere, .gone, .unknown("no")]

    private func owner(
        _ state: String, device: UInt64 = 1, inode: UInt64, host: String = "h"
    ) -> PayloadOwner {
        PayloadOwner(
            host: host, stateDirectory: state, name: "it",
            run: DirectoryID(device: device, inode: inode),
            payload: DirectoryID(device: 9, inode: 9))
    }

    private func verdict(
        _ owner: PayloadOwner?, _ other: Other, inode: UInt64? = 10
    ) -> Verdict {
        PayloadTenancy(
            owner: owner, home: inode.map { DirectoryID(device: 1, inode: $0) }, path: "/s/it",
            host: "h", other: other
        ).verdict
    }

    @Test("one without an owner is free", arguments: others)
    func free(other: Other) {
        #expect(verdict(nil, other) == .free)
        #expect(verdict(nil, other, inode: nil) == .free)
    }

    @Test("it stays ours however our state is called, on whatever host", arguments: others)
    func ours(other: Other) {
        #expect(verdict(owner("/old", inode: 10), other) == .ours)
        #expect(verdict(owner("/old", inode: 10, host: "x"), other) == .ours)
        // The same directory under another number of its device: another boot, or host.
        #expect(verdict(owner("/s", device: 2, inode: 10, host: "x"), other) == .ours)
        #expect(verdict(owner("/s", device: 2, inode: 10), other) == .ours)
    }

    @Test("that of another state on this host is judged by what is there")
    func otherState() {
        let expected: [Verdict] = [
            .ours, .refused(.otherState), .copied, .takenOver, .refused(.unknown("no")),
        ]
        for home in [UInt64(10), nil] {
            for (other, verdict) in zip(Self.others, expected) {
                #expect(self.verdict(owner("/old", inode: 7), other, inode: home) == verdict)
            }
        }
    }

    @Test("of a state on another host nobody can tell from here that it is gone")
    func otherHost() {
        let foreign = owner("/old", inode: 7, host: "x")
        for other in [Other.us, .elsewhere, .gone] {
            #expect(verdict(foreign, other) == .refused(.otherHost))
        }
        #expect(verdict(foreign, .here) == .refused(.otherState))
        #expect(verdict(foreign, .unknown("no")) == .refused(.unknown("no")))
    }
}
