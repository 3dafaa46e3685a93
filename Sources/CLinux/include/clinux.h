/* What `import Glibc` lacks. Each header of this module stands alone; every name begins with cl_. */
#ifndef CLINUX_H
#define CLINUX_H
#include "cl_calls.h"
#include "cl_cgroup.h"
#include "cl_early.h"
#include "cl_files.h"
#include "cl_guard.h"
#include "cl_identity.h"
#include "cl_mount.h"
#include "cl_sha256.h"
#include "cl_spawn.h"
#include "cl_terminal.h"
#include "cl_tree.h"
#include "cl_wait.h"
#endif
