/* Working memory. A thread keeps the blocks that it gave back, a few and not the largest, so that the next call finds them without
 * page faults; they are freed when the thread ends. */
#pragma once
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { SCRATCH_KEPT = 8, SCRATCH_HEAD = 64 };
#define SCRATCH_LARGEST ((size_t)64 << 20)
#define SCRATCH_LARGE ((size_t)4 << 20)

static __thread void *scratch_kept[SCRATCH_KEPT];
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

/* Give a block back. The smallest kept one makes room. */
static void scratch_put(void *block) {
    if (!block) return;
    if (*scratch_size(block) > SCRATCH_LARGEST) { scratch_free(block); return; }
    if (!scratch_known) {
        pthread_once(&scratch_once, scratch_start);
        pthread_setspecific(scratch_key, scratch_kept);
        scratch_known = 1;
    }
    int place = 0;
    for (int i = 0; i < SCRATCH_KEPT; i++) {
        if (!scratch_kept[i]) { place = i; break; }
        if (*scratch_size(scratch_kept[i]) < *scratch_size(scratch_kept[place])) place = i;
    }
    scratch_free(scratch_kept[place]);
    scratch_kept[place] = block;
}
