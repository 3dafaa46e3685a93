/* What `import Glibc` lacks. Each header of this module stands alone; every name begins with cl_. */
#ifndef CLINUX_H
#define CLINUX_H
#include "cl_files.h"
#include "cl_macros.h"
#include "cl_sha256.h"
#endif
