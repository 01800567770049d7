/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_STATE_READER_H
#define GW_EKS_STATE_READER_H

/*
 * What the readers of a state share; for state.c, state_update.c and state_entry.c only.
 */

#include "eks/state.h"

struct gw_state_reader {
    const struct gw_eks_state_place *place;
    const struct gw_eks_env *env;
    struct gw_arena *arena;   /* of the element that is read */
    struct gw_map names;      /* clusters met so far */
    struct gw_map arns;       /* of entries met so far */
    struct gw_map principals; /* met so far in the cluster */
    size_t cluster_at;
    size_t entry_at;
    bool is_in_entry;
    struct gw_err *err;
};

/* "clusters[1].accessEntries[2].MEMBER: ..." into reader->err; gives `status`. `member` may be "". */
enum gw_status gw_state_wrong(const struct gw_state_reader *reader, enum gw_status status, const char *member,
                              const char *format, ...) GW_PRINTF(4, 5);

/* Refuses members of the object that aren't among the names, which a NULL ends. */
GW_NODISCARD enum gw_status gw_state_only(const struct gw_state_reader *reader, const char *where,
                                          const struct gw_json *object, const char *const *names);

/* The member, NULL where it is absent or null. borrows */
const struct gw_json *gw_state_get(const struct gw_json *object, const char *name);

/* A text; `*text` is left as it is where there is none. The path in messages is WHERE.NAME. */
GW_NODISCARD enum gw_status gw_state_text(const struct gw_state_reader *reader, const char *where,
                                          const struct gw_json *object, const char *name, struct gw_str *text);
/* The same, of an instant in milliseconds. */
GW_NODISCARD enum gw_status gw_state_time(const struct gw_state_reader *reader, const char *where,
                                          const struct gw_json *object, const char *name, int64_t *ms);

/* The member tags of the object; `*tags` and `*count` are left as they are where there is none. arena */
GW_NODISCARD enum gw_status gw_state_tags(const struct gw_state_reader *reader, const char *where,
                                          const struct gw_json *object, const struct gw_pair **tags, size_t *count);

/* True for 8-4-4-4-12 hexadecimal digits in lower case. */
bool gw_state_is_id(struct gw_str text);

/* Gives the cluster the updates of the text, an array ({NULL,0}: none). Views, arena. */
GW_NODISCARD enum gw_status gw_state_updates(const struct gw_state_reader *reader, struct gw_str text,
                                             struct gw_cluster *cluster);

/* new: an entry of the cluster, from the text of its element. */
GW_NODISCARD enum gw_status gw_state_entry(struct gw_state_reader *reader, const struct gw_cluster *cluster,
                                           struct gw_str text, struct gw_access_entry **entry);

#endif
