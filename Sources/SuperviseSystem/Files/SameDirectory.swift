import CLinux
import Glibc

/// Whether two paths lead to the same directory, with links followed.
package func leadToSameDirectory(_ one: String, _ other: String) -> Bool {
    var first = stat()
    var second = stat()
    return stat(one, &first) == 0 && stat(other, &second) == 0
        && first.st_mode & S_IFMT == S_IFDIR && first.st_dev == second.st_dev
        && first.st_ino == second.st_ino
}
