/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_FAULTS_FILES_H
#define GW_FAULTS_FILES_H

/* The journal's calls on files with the faults of engine.h and lost.h in front of them. */

#include "journal/journal.h"

/* borrows, lives for ever */
const struct gw_journal_io *faults_journal_io(void);

#endif
