# SPDX-License-Identifier: Apache-2.0
# For opa.lua, to begin with: who may do what with access entries. The input is what lua/policies/opa_delegate.lua sends.
package eksgate

default allow := {"allow": false, "reason": "no rule allows it"}

allow if is_read

allow if {
	is_change_of_entries
	startswith(input.caller.name, "ci-")
	input.caller.account == input.principal.account
	startswith(input.principal.path, "/team-")
	not is_node
}

is_read if input.operation == "GetCallerIdentity"

is_read if startswith(input.operation, "Describe")

is_read if startswith(input.operation, "List")

is_change_of_entries if input.operation in {
	"CreateAccessEntry", "UpdateAccessEntry", "DeleteAccessEntry", "AssociateAccessPolicy", "DisassociateAccessPolicy",
}

is_node if {
	input.operation == "CreateAccessEntry"
	object.get(input.input, "type", "STANDARD") != "STANDARD"
}
