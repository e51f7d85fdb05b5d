package forensic

// Concern is what a finding is about, as far as requirements and people go.
type Concern string

// The concerns.
const (
	SignIn   Concern = "sign_in"   // somebody tries to be somebody
	Access   Concern = "access"    // who may do what
	Approval Concern = "approval"  // who agreed to what
	Trail    Concern = "trail"     // whether there are records that can be relied on
	Timeline Concern = "timeline"  // whether their times and order can be
	Change   Concern = "change"    // what was changed, and in which order
	Secrecy  Concern = "secrecy"   // what left
	Deletion Concern = "deletion"  // what is gone
	Conduct  Concern = "behaviour" // something unusual, of which nobody knows yet what it is
)

var concerns = map[string]Concern{
	"brute-force": SignIn, "brute-force-source": SignIn, "brute-force-slow": SignIn, "brute-force-success": SignIn,
	"brute-force-source-success": SignIn, "password-spraying": SignIn, "password-spraying-slow": SignIn, "shared-credential": SignIn, "dormant-account": SignIn,
	"action-after-revocation": Access, "action-after-closure": Access, "escalate-use": Access, "escalate-act-cover": Access,
	"escalate-act-revoke": Access, "self-grant": Access, "break-glass-repeated": Access,
	"self-approval": Approval, "approval-after-change": Approval, "approval-expired": Approval, "missing-signature": Approval,
	"missing-reason": Trail, "audit-weakened": Trail,
	"clock-and-change": Timeline, "emitter-gap": Timeline, "emitter-replay": Timeline, "out-of-order": Timeline, "round-times": Timeline, "silence": Timeline,
	"off-hours-mass-change": Change, "repeated-change": Change, "change-revert": Change, "alarm-widened": Change, "alarm-creep": Change, "suppress-act-restore": Change,
	"deletion-burst": Deletion, "bulk-read-export": Secrecy, "export-outside": Secrecy,
}

// ConcernOf returns what findings of a detector are about. One that it does not
// know is about behaviour.
func ConcernOf(detector string) Concern {
	if c, ok := concerns[detector]; ok {
		return c
	}
	return Conduct
}
