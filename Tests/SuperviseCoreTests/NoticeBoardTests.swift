import SuperviseFormats
import Testing

@testable import SuperviseCore

/// Which of all notices counts, and what a new answer does to those before.
@Suite("The board of notices")
struct NoticeBoardTests {
    private func entry(
        _ deadline: Double, _ action: Notice.Action = .terminate, _ source: String = "a",
        identity: String? = nil, wording: String = "", noticed: Int64 = 0, reserve: Double = 5
    ) -> NoticeBoard.Entry {
        NoticeBoard.Entry(
            notice: Notice(
                action: action, identity: identity ?? "\(deadline)", wording: wording),
            source: source,
            noticed: Timestamp(milliseconds: noticed),
            deadline: Instant(nanoseconds: Int64(deadline * 1e9)),
            deadlineToRead: Timestamp(milliseconds: Int64(deadline * 1e3)),
            reserve: .seconds(reserve), acknowledgement: nil)
    }

    private func deadline(_ board: NoticeBoard) -> Double? {
        board.counting.map { Double($0.deadline.nanoseconds) / 1e9 }
    }

    @Test("the earliest deadline counts, whoever tells of it and in whatever order")
    func earliest() {
        let all: [(NoticeBoard.Author, NoticeBoard.Entry)] = [
            (.source(0), entry(600, .stop, "reboot")), (.source(1), entry(30, .terminate, "spot")),
            (.signal, entry(90, .terminate, "SIGUSR2")),
        ]
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
            var board = NoticeBoard()
            for index in order { _ = board.replace(all[index].0, by: [all[index].1]) }
            #expect(board.counting?.source == "spot")
            #expect(board.replace(.source(1), by: [])?.source == "spot")
            #expect(board.counting?.source == "SIGUSR2")
        }
    }

    @Test("of two with one deadline the harsher one counts")
    func harshest() {
        var board = NoticeBoard()
        _ = board.replace(.source(0), by: [entry(60, .stop), entry(60, .terminate)])
        #expect(board.counting?.notice.action == .terminate)
        _ = board.replace(.source(0), by: [entry(50, .stop), entry(60, .terminate)])
        #expect(board.counting?.notice.action == .stop)
    }

    @Test("a new answer takes the place of its source's last one, and an empty one withdraws it")
    func replaces() {
        var board = NoticeBoard()
        #expect(board.replace(.source(0), by: []) == nil)
        _ = board.replace(.source(0), by: [entry(60)])
        #expect(board.replace(.source(0), by: [entry(23)]) == nil && deadline(board) == 23)
        #expect(board.replace(.source(0), by: [entry(300)]) == nil && deadline(board) == 300)
        #expect(board.replace(.source(1), by: []) == nil, "another one withdraws nothing of it")
        #expect(board.replace(.source(0), by: []) != nil && board.counting == nil)
        #expect(board.replace(.source(0), by: []) == nil, "it is withdrawn once")
    }

    @Test("the same words again are the same notice, and keep their deadline")
    func same() {
        var board = NoticeBoard()
        _ = board.replace(.source(0), by: [entry(60, identity: "E", wording: "10:00")])
        _ = board.replace(.source(0), by: [entry(65, identity: "E", wording: "10:00", noticed: 9)])
        #expect(deadline(board) == 60 && board.counting?.noticed == Timestamp(milliseconds: 0))
        _ = board.replace(.source(0), by: [entry(65, identity: "E", wording: "10:05", noticed: 9)])
        #expect(deadline(board) == 65 && board.counting?.noticed == Timestamp(milliseconds: 0))
        _ = board.replace(.source(0), by: [entry(65, identity: "F", wording: "10:01", noticed: 9)])
        #expect(deadline(board) == 65 && board.counting?.notice.identity == "F")
    }

    @Test("one that counts down keeps its earliest deadline and its reserve")
    func countsDown() {
        var board = NoticeBoard()
        _ = board.replace(.source(0), by: [entry(60, identity: "60", reserve: 5)])
        _ = board.replace(.source(0), by: [entry(60.4, identity: "55", reserve: 4)])
        _ = board.replace(.source(0), by: [entry(59.8, identity: "50", reserve: 3)])
        #expect(deadline(board) == 59.8 && board.counting?.reserve == .seconds(3))
    }
}
