#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

_Static_assert(sizeof(off_t) == 8, "files are larger than 2 GB");
_Static_assert(sizeof(ino_t) == 8, "inodes have 64 bits");

static struct flock whole_file(void) {
    /* A length of 0 reaches to the end; a pid of 0 is what the OFD commands ask for. */
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0, .l_pid = 0};
    return lock;
}

int cl_lock_whole_file(int fd) {
    struct flock lock = whole_file();
    return fcntl(fd, F_OFD_SETLK, &lock);
}

int cl_await_whole_file(int fd) {
    struct flock lock = whole_file();
    return fcntl(fd, F_OFD_SETLKW, &lock);
}

int cl_unlock_whole_file(int fd) {
    struct flock lock = whole_file();
    lock.l_type = F_UNLCK;
    return fcntl(fd, F_OFD_SETLK, &lock);
}

int cl_whole_file_is_locked(int fd) {
    struct flock lock = whole_file();
    if (fcntl(fd, F_OFD_GETLK, &lock) != 0) return -1;
    return lock.l_type != F_UNLCK;
}

int cl_clone_file(int from, int to) {
    return ioctl(to, FICLONE, from);
}

off_t cl_next_content(int fd, off_t offset) {
    return lseek(fd, offset, SEEK_DATA);
}

off_t cl_next_hole(int fd, off_t offset) {
    return lseek(fd, offset, SEEK_HOLE);
}

int cl_start_writing(int fd, off_t offset, off_t count) {
    return sync_file_range(fd, offset, count, SYNC_FILE_RANGE_WRITE);
}

ssize_t cl_copy_range(int from, int to, size_t count) {
    return copy_file_range(from, NULL, to, NULL, count, 0);
}

int cl_has_writers(int fd) {
    /* A lease for reading can be had only while nobody writes. Whoever opens the file in the moment
       that we hold it waits that long, and we are told by a signal: one that means nothing. */
    if (fcntl(fd, F_SETSIG, SIGURG) != 0) return -1;
    if (fcntl(fd, F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN ? 1 : -1;
    fcntl(fd, F_SETLEASE, F_UNLCK);
    return 0;
}
