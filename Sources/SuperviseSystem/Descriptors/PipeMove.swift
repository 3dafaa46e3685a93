import CLinux
import Glibc

/// Moves bytes from one pipe into another within the kernel (splice(2)); never waits.
///
/// - Returns: how many; 0 where nobody will write any more.
/// - Throws: EAGAIN where nothing waits, or the other one is full; EPIPE where nobody reads that; EINVAL where
///   one of them is no pipe.
package func moveNow(
    _ most: Int, from pipe: Int32, to other: Int32
) throws(SystemError) -> Int {
    try systemCall("splice", "\(other)") { cl_move_between_pipes(pipe, other, most) }
}
