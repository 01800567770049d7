/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_ERROR_H
#define GW_EKS_ERROR_H

/*
 * Refusing a call: one line at the place where a rule is broken.
 *
 *     return gw_eks_error_refuse(call, error, GW_EKS_InvalidParameterException, GW_STR("..."));
 */

#include "eks/service.h"

/* Fills `error` and returns GW_E_DENIED. The body names the call's cluster, once it is decoded, where the error has
 * that member. `message` is a constant or lives in the call's arena. */
enum gw_status gw_eks_error_refuse(const struct gw_eks_call *call, struct gw_eks_error *error,
                                   enum gw_eks_error_code code, struct gw_str message);

/* What the model has for a wrong parameter, with formatted text: InvalidParameterException, of the operations on tags
 * BadRequestException, of ListAssociatedAccessPolicies InvalidRequestException. Text past 1,023 bytes is cut. */
enum gw_status gw_eks_error_invalid(const struct gw_eks_call *call, struct gw_eks_error *error, const char *format, ...)
    GW_PRINTF(3, 4);

#endif
