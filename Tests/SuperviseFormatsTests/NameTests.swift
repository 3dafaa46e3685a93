import SuperviseFormats
import Testing

@Suite("Names")
struct NameTests {
    @Test("a checkpoint's name holds its number, and its step where there is one")
    func checkpointIDs() {
        #expect(CheckpointID(sequence: 13, step: 4520).description == "000013-step-4520")
        #expect(CheckpointID(sequence: 1_234_567, step: nil).description == "1234567")
        for text in ["000013-step-4520", "000013", "1234567-step-0", "000001-step--5"] {
            #expect(CheckpointID(text)?.description == text)
        }
        #expect(
            CheckpointID("000002-step-9").map { $0 > CheckpointID(sequence: 1, step: 50) } == true)
    }

    @Test(
        "a checkpoint has one name only",
        arguments: [
            "", "13", "000000", "-00001", "+00013", "000013-", "000013-step-", "000013-step-04",
            "000013-step-x", "000013-step-4520 ", "0000013", "000013-Step-4", "step-4",
            "99999999999999999999", "000013/step-4", "٠٠٠٠١٣",
        ])
    func noCheckpointIDs(text: String) {
        #expect(CheckpointID(text) == nil)
    }

    @Test("numbers at the end of the range are no numbers of checkpoints")
    func hugeSequence() {
        #expect(CheckpointID("9223372036854775807") == nil)
    }

    @Test("run names are letters, digits, dots, dashes and underscores")
    func runNames() {
        for text in ["a", "_x", "Train.v2-final", "0", String(repeating: "x", count: 64)] {
            #expect(RunName(text)?.description == text)
        }
        for text in [
            "", ".hidden", "-x", "a/b", "a b", "é", "..", String(repeating: "x", count: 65),
        ] {
            #expect(RunName(text) == nil, "\(text)")
        }
    }

    @Test(
        "the default name is that of the program, or of the script of an interpreter",
        arguments: [
            (["/usr/bin/train"], "train-3f9a2c1b"),
            (["./run.sh", "x"], "run-3f9a2c1b"),
            (["python3", "train.py", "--lr", "1"], "train-3f9a2c1b"),
            (["/usr/bin/python3.11", "-u", "src/train.py"], "train-3f9a2c1b"),
            (["bash", "a b.sh"], "a-b-3f9a2c1b"),
            (["python3"], "python3-3f9a2c1b"),
            (["./.hidden"], "hidden-3f9a2c1b"),
            (["/"], "job-3f9a2c1b"), ([""], "job-3f9a2c1b"),
            (["rubyish", "x.rb"], "rubyish-3f9a2c1b"),
        ])
    func standard(command: [String], name: String) {
        let hash = "3f9a2c1bffffffff"
        #expect(RunName.standard(for: command, hash: hash).description == name)
    }

    @Test("a long name is cut, so that with its hash it is a name still")
    func long() {
        let name = RunName.standard(for: [String(repeating: "x", count: 300)], hash: "3f9a2c1b")
        #expect(name.description == String(repeating: "x", count: 48) + "-3f9a2c1b")
    }
}
