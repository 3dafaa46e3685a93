/* Cuts a message into blocks, pads the last one, and hands them to the implementation that was
   chosen when the state began. */
#include "cl_sha256.h"

#include <string.h>

#include "cl_sha256_compress.h"

enum { BLOCK = 64, LENGTH_AT = BLOCK - 8 };

_Static_assert(sizeof(((cl_sha256_state *)0)->pending) == BLOCK, "one block can wait");
_Static_assert(sizeof(((cl_sha256_state *)0)->hash) == 32, "the hash value is the digest");

static const struct {
    const char *name;
    cl_sha256_compress *compress;
} implementations[CL_SHA256_IMPLEMENTATIONS] = {
    [CL_SHA256_PORTABLE] = {"portable", cl_sha256_compress_portable},
    [CL_SHA256_X86] = {"x86-sha", cl_sha256_compress_x86},
    [CL_SHA256_ARM] = {"arm-sha2", cl_sha256_compress_arm},
};

/* One bit for each implementation that works here. The C library knows; nothing is asked. */
static uint32_t available(void) {
    uint32_t bits = UINT32_C(1) << CL_SHA256_PORTABLE;
    if (cl_sha256_has_x86()) bits |= UINT32_C(1) << CL_SHA256_X86;
    if (cl_sha256_has_arm()) bits |= UINT32_C(1) << CL_SHA256_ARM;
    return bits;
}

uint32_t cl_sha256_implementation(void) {
    uint32_t bits = available();
    if (bits >> CL_SHA256_X86 & 1) return CL_SHA256_X86;
    if (bits >> CL_SHA256_ARM & 1) return CL_SHA256_ARM;
    return CL_SHA256_PORTABLE;
}

const char *cl_sha256_name(uint32_t implementation) {
    if (implementation >= CL_SHA256_IMPLEMENTATIONS) return NULL;
    return implementations[implementation].name;
}

int cl_sha256_begin_with(cl_sha256_state *state, uint32_t implementation) {
    if (implementation >= CL_SHA256_IMPLEMENTATIONS) return -1;
    if (!(available() >> implementation & 1)) return -1;
    *state = (cl_sha256_state){
        /* FIPS 180-4, 5.3.3: fractions of the square roots of the first eight primes. */
        .hash = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19},
        .implementation = implementation,
    };
    return 0;
}

void cl_sha256_begin(cl_sha256_state *state) {
    (void)cl_sha256_begin_with(state, cl_sha256_implementation());
}

static void compress(cl_sha256_state *state, const uint8_t *data, size_t blocks) {
    implementations[state->implementation].compress(state->hash, data, blocks);
}

void cl_sha256_update(cl_sha256_state *state, const void *bytes, size_t count) {
    if (count == 0) return;
    const uint8_t *next = bytes;
    size_t waiting = state->length % BLOCK;
    state->length += count;
    if (waiting > 0) {
        size_t taken = BLOCK - waiting;
        if (taken > count) taken = count;
        memcpy(state->pending + waiting, next, taken);
        if (waiting + taken < BLOCK) return;
        compress(state, state->pending, 1);
        next += taken;
        count -= taken;
    }
    size_t blocks = count / BLOCK;
    if (blocks > 0) compress(state, next, blocks);
    memcpy(state->pending, next + blocks * BLOCK, count % BLOCK);
}

void cl_sha256_finish(cl_sha256_state *state, uint8_t *digest) {
    size_t waiting = state->length % BLOCK;
    state->pending[waiting++] = 0x80;
    if (waiting > LENGTH_AT) { /* no room for the length: it gets a block of its own */
        memset(state->pending + waiting, 0, BLOCK - waiting);
        compress(state, state->pending, 1);
        waiting = 0;
    }
    memset(state->pending + waiting, 0, LENGTH_AT - waiting);
    uint64_t bits = state->length * 8;
    for (int i = 0; i < 8; i++) state->pending[LENGTH_AT + i] = (uint8_t)(bits >> (56 - 8 * i));
    compress(state, state->pending, 1);
    for (int i = 0; i < 32; i++) {
        digest[i] = (uint8_t)(state->hash[i / 4] >> (24 - 8 * (i % 4)));
    }
}
