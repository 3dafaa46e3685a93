import CLinux

/// Gives memory that was freed back to the system, as after work on a great many files: the allocator
/// would keep it for a long time. Takes a moment for each part of the heap; any thread may call it.
package func releaseMemory() { cl_release_memory() }
