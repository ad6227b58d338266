/* Working memory. A thread keeps the blocks that it gave back, eight at most and 256 MB together, so that the next call finds them
 * without page faults; they are freed when the thread ends. */
#pragma once
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { SCRATCH_KEPT = 8, SCRATCH_HEAD = 64 };
#define SCRATCH_MOST ((size_t)256 << 20)
#define SCRATCH_LARGE ((size_t)4 << 20)

static __thread void *scratch_kept[SCRATCH_KEPT];
static __thread size_t scratch_total;                     /* bytes of the blocks kept */
static __thread int scratch_known;
static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;

static size_t *scratch_size(void *block) { return (size_t *)((char *)block - SCRATCH_HEAD); }
static void scratch_free(void *block) { if (block) free((char *)block - SCRATCH_HEAD); }

static void scratch_end_of_thread(void *kept) {
    for (int i = 0; i < SCRATCH_KEPT; i++) { scratch_free(((void **)kept)[i]); ((void **)kept)[i] = NULL; }
}
static void scratch_start(void) { pthread_key_create(&scratch_key, scratch_end_of_thread); }

/* At least `size` bytes at a 64-byte boundary, with whatever is in them; NULL when memory is out. */
static void *scratch_get(size_t size) {
    int best = -1;
    for (int i = 0; i < SCRATCH_KEPT; i++)
        if (scratch_kept[i] && *scratch_size(scratch_kept[i]) >= size
            && (best < 0 || *scratch_size(scratch_kept[i]) < *scratch_size(scratch_kept[best]))) best = i;
    if (best >= 0) {
        void *block = scratch_kept[best];
        scratch_kept[best] = NULL;
        scratch_total -= *scratch_size(block);
        return block;
    }
    size_t room = (size + (size >> 3) + 4095) / 4096 * 4096;
    int large = room >= SCRATCH_LARGE;
    char *made = aligned_alloc(large ? SCRATCH_LARGE / 2 : 64, SCRATCH_HEAD + room);
    if (!made) return NULL;
#ifdef MADV_HUGEPAGE
    if (large) madvise(made, room, MADV_HUGEPAGE);        /* fewer page faults, and fewer addresses to translate */
#endif
    *(size_t *)made = room;
    return made + SCRATCH_HEAD;
}

/* Give a block back. The smallest kept ones make room. */
static void scratch_put(void *block) {
    if (!block) return;
    size_t size = *scratch_size(block);
    if (size > SCRATCH_MOST) { scratch_free(block); return; }
    if (!scratch_known) {
        pthread_once(&scratch_once, scratch_start);
        pthread_setspecific(scratch_key, scratch_kept);
        scratch_known = 1;
    }
    for (;;) {
        int empty = -1, least = -1;
        for (int i = 0; i < SCRATCH_KEPT; i++) {
            if (!scratch_kept[i]) empty = i;
            else if (least < 0 || *scratch_size(scratch_kept[i]) < *scratch_size(scratch_kept[least])) least = i;
        }
        if (empty >= 0 && scratch_total + size <= SCRATCH_MOST) {
            scratch_kept[empty] = block;
            scratch_total += size;
            return;
        }
        scratch_total -= *scratch_size(scratch_kept[least]);
        scratch_free(scratch_kept[least]);
        scratch_kept[least] = NULL;
    }
}
