/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The modules of the runtime library that are C. Those of the same name in
 * lua/eksgate stand in for them where policies run without eksgate (plain busted).
 */
#include "script/bind.h"

const struct gw_bind_module gw_bind_modules[] = {
    {"eksgate.spec.native", gw_spec_native_push},
    {NULL, NULL},
};
