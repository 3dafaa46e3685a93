#ifndef CL_FILES_H
#define CL_FILES_H
/* Files: what needs _GNU_SOURCE, and the name in a directory entry. */
#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Takes the write lock of the open file description on the whole file, without waiting.
   Fails with EAGAIN where another description holds it. */
int cl_lock_whole_file(int fd);

/* The same, but waits until it is free. */
int cl_await_whole_file(int fd);

/* Frees the lock for all who hold a descriptor of the description. */
int cl_unlock_whole_file(int fd);

/* 1 where somebody holds a write lock that would keep us from taking ours, else 0. */
int cl_whole_file_is_locked(int fd);

/* Copies from one file to the other at their positions within the kernel, sharing blocks where the
   file system can. 0 is the end of the file. */
ssize_t cl_copy_range(int from, int to, size_t count);

/* Makes `to` share all blocks of `from` (FICLONE), where both are on one file system that can. */
int cl_clone_file(int from, int to);

/* Where the next piece of content, or the next hole, begins at or after `offset`: to the end of the
   file there is a hole. Fails with ENXIO where there is no more content. */
off_t cl_next_content(int fd, off_t offset);
off_t cl_next_hole(int fd, off_t offset);

/* Begins to write what is dirty in this part of the file, without waiting for it. */
int cl_start_writing(int fd, off_t offset, off_t count);

/* 1 where somebody has the file open for writing, 0 where nobody has, -1 where that cannot be known.
   The file is open for reading. */
int cl_has_writers(int fd);

/* O_PATH, which needs _GNU_SOURCE: a place in the file system, and nothing of its content. */
#define CL_O_PATH 0x200000

/* Opens a path below a directory, through no symbolic link and never out of it, as open(2) would with
   O_CLOEXEC and O_NOFOLLOW: by openat2 where the kernel has it, else name by name.
   Fails with ELOOP or ENOTDIR where a link is on the way, EXDEV for `..`. */
int cl_open_below(int directory, const char *path, int flags, mode_t mode);

/* The same without openat2. */
int cl_open_below_by_names(int directory, const char *path, int flags, mode_t mode);

static inline const char *cl_entry_name(const struct dirent *entry) { return entry->d_name; }

#endif
