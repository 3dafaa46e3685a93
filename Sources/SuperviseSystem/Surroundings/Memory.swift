import CLinux

/// Gives memory that was freed back to the system, as after work on a great many files: the allocator
/// would keep it for a long time. Takes a moment for each part of the heap; any thread may call it.
package func releaseMemory() { cl_release_memory() }

/// Has the allocator give large parts of the heap back as soon as they are free; to be called before any
/// thread starts.
package func boundKeptMemory() { cl_bound_kept_memory() }
