package forensic_test

// scenario is what a rule must find and what it must not.
type scenario struct {
	attack     string
	ids, users string   // of the one finding
	benign     []string // each looks like it
}

var scenarios = map[string]scenario{
	"brute-force": {
		"0s+30s*10 ada login details.outcome=failure", "e1..e10", "ada",
		[]string{
			"0s+30s*9 ada login details.outcome=failure",  // somebody who types badly
			"0s+34s*10 ada login details.outcome=failure", // more than 5 minutes
			"0s+10s*9 u%d login details.outcome=failure",
			"0s+10s*9 ada login details.outcome=success",
		},
	},
	"brute-force-source": {
		"0s+20s*10 u%d login details.outcome=failure context.source_ip=203.0.113.9", "e1..e10", "u0 u1 u2 u3 u4 u5 u6 u7 u8 u9",
		[]string{
			"0s+70s*10 u%d login details.outcome=failure context.source_ip=203.0.113.9",
			"0s+20s*10 u%d login details.outcome=failure context.source_ip=203.0.113.%d",
		},
	},
	"brute-force-slow": {
		"0s+1h*16 ada login details.outcome=failure", "e1..e16", "ada",
		[]string{"0s+104m*15 ada login details.outcome=failure", "0s+1h*14 ada login details.outcome=failure"},
	},
	"brute-force-success": {
		"0s+20s*11 ada login details.outcome=failure\n5m ada login", "e1..e12", "ada",
		[]string{
			"0s+10s*9 ada login details.outcome=failure\n2m ada login",   // the typing errors of a Monday
			"0s+20s*11 ada login details.outcome=failure\n14m ada login", // much later
			"0s+20s*11 ada login details.outcome=failure\n5m bob login",
			"0s ada login\n1m+20s*11 ada login details.outcome=failure",
		},
	},
	"brute-force-source-success": {
		"0s+20s*10 u%d login details.outcome=failure context.source_ip=203.0.113.9\n5m u3 login context.source_ip=203.0.113.9", "e1..e11",
		"u0 u1 u2 u3 u4 u5 u6 u7 u8 u9",
		[]string{"0s+20s*10 u%d login details.outcome=failure context.source_ip=203.0.113.9\n5m u3 login context.source_ip=203.0.113.10"},
	},
	"password-spraying": {
		"0s+60s*11 u%d login details.outcome=failure context.source_ip=203.0.113.9", "e1..e11", "u0 u1 u10 u2 u3 u4 u5 u6 u7 u8 u9",
		[]string{
			"0s+60s*9 u%d login details.outcome=failure context.source_ip=203.0.113.9",
			"0s+4m*11 u%d login details.outcome=failure context.source_ip=203.0.113.9",
			// One of ten is not sprayed but forced.
			"0s+10s*4 ada login details.outcome=failure context.source_ip=203.0.113.9\n10m+30s*9 u%d login details.outcome=failure context.source_ip=203.0.113.9",
		},
	},
	"password-spraying-slow": {
		"0s+50m*6 u%d login details.outcome=failure context.source_ip=203.0.113.9\n6h u3 login context.source_ip=203.0.113.9", "e1..e6", "u0 u1 u2 u3 u4 u5",
		[]string{
			"0s+50m*4 u%d login details.outcome=failure context.source_ip=203.0.113.9",
			"0s+7h*6 u%d login details.outcome=failure context.source_ip=203.0.113.9",
			"0s+10m*9 ada login details.outcome=failure context.source_ip=203.0.113.9",
			// A terminal of many, some of whom type badly.
			"0s+10m*4 u%d login details.outcome=failure context.source_ip=203.0.113.9\n1h u3 login context.source_ip=203.0.113.9\n2h+10m*4 v%d login details.outcome=failure context.source_ip=203.0.113.9",
		},
	},
	"shared-credential": {
		`0s ada issue.updated actor.session_id=s1 context.source_ip=203.0.113.1 context.user_agent=a
1m ada issue.updated actor.session_id=s2 context.source_ip=198.51.100.1 context.user_agent=b
5m ada issue.updated actor.session_id=s1 context.source_ip=203.0.113.1 context.user_agent=a
6m ada issue.updated actor.session_id=s2 context.source_ip=198.51.100.1 context.user_agent=b`, "e1 e2 e3 e4", "ada",
		[]string{
			`0s ada issue.updated actor.session_id=s1 context.source_ip=203.0.113.1 context.user_agent=a
5m ada issue.updated actor.session_id=s1 context.source_ip=203.0.113.1 context.user_agent=a
6m ada issue.updated actor.session_id=s2 context.source_ip=198.51.100.1 context.user_agent=b`, // one after the other
			`0s ada issue.updated actor.session_id=s1 context.source_ip=203.0.113.1 context.user_agent=a
1m ada issue.updated actor.session_id=s2 context.source_ip=198.51.100.1 context.user_agent=b
5m ada logout actor.session_id=s1 context.source_ip=203.0.113.1 context.user_agent=a
6m ada issue.updated actor.session_id=s2 context.source_ip=198.51.100.1 context.user_agent=b`, // a session that timed out
			`0s ada issue.updated actor.session_id=s1 context.source_ip=203.0.113.1 context.user_agent=a
1m ada issue.updated actor.session_id=s2 context.source_ip=203.0.113.1 context.user_agent=b
5m ada issue.updated actor.session_id=s1 context.source_ip=203.0.113.1 context.user_agent=a
6m ada issue.updated actor.session_id=s2 context.source_ip=203.0.113.1 context.user_agent=b`, // one desk, two programs
		},
	},
	"dormant-account": {
		"0s ada login\n50d ada login\n50d1h ada access.granted resource.id=r1", "e1 e2 e3", "ada",
		[]string{
			"0s ada login\n50d ada login\n50d1h ada issue.updated", // back from leave
			"0s ada login\n40d ada login\n40d1h ada access.granted resource.id=r1",
			"0s bob login\n50d ada login\n50d1h ada access.granted resource.id=r1", // a new colleague
		},
	},
	"action-after-revocation": {
		"0s root access.revoked resource.id=r1 details.subject=ada\n1h ada issue.updated resource.id=r1", "e1 e2", "ada root",
		[]string{
			"0s root access.revoked resource.id=r1 details.subject=ada details.level=editor\n1h ada issue.updated resource.id=r1", // one level of several
			"0s root access.revoked resource.id=r1 details.subject=ada\n1h ada issue.updated resource.id=r2",
			"0s root access.revoked resource.id=r1 details.subject=ada\n30m root access.granted resource.id=r1 details.subject=ada\n1h ada issue.updated resource.id=r1",
			"0s root access.revoked resource.id=r1 details.subject=ada\n1h ada issue.updated resource.id=r1 details.outcome=denied",
		},
	},
	"action-after-closure": {
		"0s root user.deactivated resource.type=user resource.id=ada\n1h ada issue.updated resource.id=r1", "e1 e2", "ada root",
		[]string{
			"0s root access.revoked resource.id=r1 details.subject=ada details.level=editor\n1h ada issue.updated resource.id=r1", // one level of several
			"0s root user.deactivated resource.type=user resource.id=ada\n1s ada logout",
			"0s root user.deactivated resource.type=user resource.id=ada\n1m root user.activated resource.type=user resource.id=ada\n1h ada issue.updated resource.id=r1",
			"0s root user.deactivated resource.type=user resource.id=ada\n1h ada login details.outcome=failure",
		},
	},
	"escalate-use": {
		"0s root access.granted details.subject=ada details.level=admin\n2h ada data.exported", "e1 e2", "ada root",
		[]string{
			"0s root access.granted details.subject=ada details.level=read\n2h ada data.exported",
			"0s root access.granted details.subject=ada details.level=admin details.approved_by=eve\n2h ada data.exported",
			"0s root access.granted details.subject=ada details.level=admin\n2h ada issue.updated",
			"0s root access.granted details.subject=ada details.level=admin\n25h ada data.exported",
			"0s root access.granted details.subject=ada details.level=admin\n2h bob data.exported",
		},
	},
	"escalate-act-cover": {
		"0s root access.granted details.subject=ada\n2h ada record.deleted\n3h ada audit_log.cleared", "e1 e2 e3", "ada root",
		[]string{
			"0s root access.granted details.subject=ada\n2h ada audit_log.viewed\n3h ada record.deleted", // no trace tidied
			"0s root access.granted details.subject=ada\n2h ada record.deleted\n3h @rotation audit_log.cleared",
			"0s ada record.deleted\n1h root access.granted details.subject=ada\n3h ada role.revoked",
		},
	},
	"escalate-act-revoke": {
		"0s root access.granted details.subject=ada\n2h ada record.deleted\n3h root access.revoked details.subject=ada", "e1 e2 e3", "ada root",
		[]string{
			"0s root access.granted details.subject=ada details.ticket=T1\n2h ada record.deleted\n3h root access.revoked details.subject=ada", // planned
			"0s root access.granted details.subject=ada\n2h ada issue.updated\n3h root access.revoked details.subject=ada",
			"0s root access.granted details.subject=ada\n2h ada record.deleted\n3h root access.revoked details.subject=bob",
		},
	},
	"self-grant": {
		"0s root access.granted details.subject=root", "e1", "root",
		[]string{"0s root access.granted details.subject=ada", "0s root access.granted details.subject=root details.outcome=denied"},
	},
	"self-approval": {
		"0s ada fix.applied details.approved_by=ada", "e1", "ada",
		[]string{
			"0s ada fix.applied details.approved_by=eve",
			"0s eve change.approved details.approved_by=eve details.requested_by=ada", // the approval itself
		},
	},
	"approval-after-change": {
		"0s ada fix.applied details.approved_by=eve details.approved_at=2025-03-03T10:00:00Z", "e1", "ada",
		[]string{
			"0s ada fix.applied details.approved_by=eve details.approved_at=2025-03-03T08:00:00Z",
			"0s ada fix.applied details.approved_by=eve details.approved_at=2025-03-03T10:00:00Z details.emergency=true",
		},
	},
	"approval-expired": {
		"0s ada fix.applied details.approval_expires_at=2025-03-02T00:00:00Z", "e1", "ada",
		[]string{"0s ada fix.applied details.approval_expires_at=2025-03-04T00:00:00Z"},
	},
	"missing-reason": {
		"0s ada recipe.changed compliance_frameworks=FDA_21CFR11 change=temp:1:2", "e1", "ada",
		[]string{
			"0s ada recipe.changed compliance_frameworks=FDA_21CFR11 change=temp:1:2:calibrated",
			"0s ada recipe.changed compliance_frameworks=SOC2 change=temp:1:2",
		},
	},
	"missing-signature": {
		"0s ada recipe.changed compliance_frameworks=FDA_21CFR11", "e1", "ada",
		[]string{
			"0s ada recipe.changed compliance_frameworks=FDA_21CFR11 electronic_signature.signature_id=sig1",
			"0s ada recipe.changed compliance_frameworks=SOC2",
		},
	},
	"break-glass-repeated": {
		"0s+24h*3 ada break_glass.used", "e1..e3", "ada",
		[]string{"0s+24h*2 ada break_glass.used", "0s+480h*3 ada break_glass.used", "0s+24h*3 u%d break_glass.used"},
	},
	"audit-weakened": {
		"0s ada config.changed change=audit_enabled:true:false", "e1", "ada",
		[]string{
			"0s ada config.changed change=audit_enabled:false:true",
			"0s @rotation audit_log.deleted",
			"0s ada catalog.deleted",
			"0s ada audit_trail.stopped details.change_ticket=T1",
			"0s ada audit_log.viewed",
		},
	},
	"clock-and-change": {
		"0s ada clock.changed resource.id=c\n10m ada recipe.changed", "e1 e2", "ada",
		[]string{
			"0s @ntp clock.changed\n10m ada recipe.changed",
			"0s ada clock.changed\n2h ada recipe.changed",
			"0s ada clock.changed\n10m bob recipe.changed",
		},
	},
	"off-hours-mass-change": {
		"13h+60s*20 ada recipe.changed", "e1..e20", "ada",
		[]string{
			"0s+60s*20 ada recipe.changed",
			"13h+60s*20 ada recipe.changed details.change_ticket=T1", // maintenance that was planned
			"13h+60s*20 @batch recipe.changed",
			"13h+60s*19 ada recipe.changed",
		},
	},
	"deletion-burst": {
		"0s+10s*10 ada record.deleted", "e1..e10", "ada",
		[]string{
			"0s+70s*10 ada record.deleted",
			"0s+10s*20 @retention record.deleted",
			"0s+10s*20 ada record.deleted details.ticket=T1",
			"0s+10s*20 ada record.created",
		},
	},
	"bulk-read-export": {
		"0s+30s*50 ada record.read resource.id=r%d\n40m ada report.exported", "e1..e51", "ada",
		[]string{
			"0s+30s*50 ada record.read resource.id=r1\n40m ada report.exported", // one thing, again and again
			"0s+30s*50 ada record.read resource.id=r%d\n40m ada report.exported details.ticket=T1",
			"0s+30s*49 ada record.read resource.id=r%d\n40m ada report.exported",
			"0s ada report.exported\n1m+30s*50 ada record.read resource.id=r%d",
		},
	},
	"export-outside": {
		"0s ada report.exported details.recipient=external", "e1", "ada",
		[]string{
			"0s ada report.exported details.recipient=internal",
			"0s ada report.exported details.recipient=external details.ticket=T1",
			"0s ada report.exported",
			"0s @sync report.exported details.recipient=external",
		},
	},
	"repeated-change": {
		"0s+5m*5 ada recipe.changed resource.id=r1 change=temp:%d:9%d", "e1..e5", "ada",
		[]string{
			"0s+8m*5 ada recipe.changed resource.id=r1 change=temp:%d:9%d",
			"0s+5m*5 ada recipe.changed resource.id=r1 change=temp%d:1:2",
			"0s+5m*5 ada recipe.changed resource.id=r%d change=temp:1:2",
		},
	},
	"change-revert": {
		"0s ada recipe.changed resource.id=r1 change=temp:1:2\n3h bob recipe.changed resource.id=r1 change=temp:2:1", "e1 e2", "ada bob",
		[]string{
			"0s ada recipe.changed resource.id=r1 change=temp:1:2\n3h bob recipe.changed resource.id=r1 change=temp:2:3",
			"0s ada recipe.changed resource.id=r1 change=temp:1:2\n13h bob recipe.changed resource.id=r1 change=temp:2:1",
			"0s ada recipe.changed resource.id=r1 change=temp:1:2\n3h bob recipe.changed resource.id=r2 change=temp:2:1",
		},
	},
	"alarm-widened": {
		"0s ada limit.changed resource.id=p1 change=alarm_high:80:95", "e1", "ada",
		[]string{
			"0s ada limit.changed resource.id=p1 change=alarm_high:95:80",
			"0s ada limit.changed resource.id=p1 change=alarm_low:10:20",
			"0s ada limit.changed resource.id=p1 change=alarm_high:80:95 details.approved_by=eve",
			"0s ada limit.changed resource.id=p1 change=alarm_high:80:95 context.approval_reference=C1",
			// An emergency, which somebody approves the next day.
			"0s ada limit.changed resource.id=p1 change=alarm_high:80:95 details.change_id=C1\n24h eve change.approved details.approved_by=eve details.change_id=C1",
			"0s eve change.approved details.approved_by=eve details.change_id=C1\n24h ada limit.changed resource.id=p1 change=alarm_high:80:95 details.change_id=C1",
			"0s ada limit.changed resource.id=p1 change=speed_high:80:95",
		},
	},
	"alarm-creep": {
		`0s ada limit.changed resource.id=p1 change=alarm_high:100:105 change=alarm_low:0:0
24h ada limit.changed resource.id=p1 change=alarm_high:105:110
48h ada limit.changed resource.id=p1 change=alarm_high:110:115`, "e1 e2 e3", "ada",
		[]string{
			`0s ada limit.changed resource.id=p1 change=alarm_high:100:102 change=alarm_low:0:0
24h ada limit.changed resource.id=p1 change=alarm_high:102:100
48h ada limit.changed resource.id=p1 change=alarm_high:100:102
72h ada limit.changed resource.id=p1 change=alarm_high:102:100`, // to and fro
			// A hundredth each, which the slack allows for.
			"0s+24h*10 ada limit.changed resource.id=p1 change=alarm_high::10%d change=alarm_low:0:0\n10d+24h*10 ada limit.changed resource.id=p1 change=alarm_high::11%d",
		},
	},
	"suppress-act-restore": {
		`0s ada config.changed resource.id=a1 resource.parent_machine=m1 change=alarm_enabled:true:false
1h ada recipe.changed resource.id=r1 resource.parent_machine=m1 change=temp:1:2
2h ada config.changed resource.id=a1 resource.parent_machine=m1 change=alarm_enabled:false:true`, "e1 e2 e3", "ada",
		[]string{
			`0s ada config.changed resource.id=a1 resource.parent_machine=m1 change=alarm_enabled:true:false
2h ada config.changed resource.id=a1 resource.parent_machine=m1 change=alarm_enabled:false:true`, // a test of the alarm
			`0s ada config.changed resource.id=a1 resource.parent_machine=m1 change=alarm_enabled:true:false
1h ada recipe.changed resource.id=r1 resource.parent_machine=m2 change=temp:1:2
2h ada config.changed resource.id=a1 resource.parent_machine=m1 change=alarm_enabled:false:true`,
			`0s ada config.changed resource.id=a1 resource.parent_machine=m1 change=alarm_enabled:true:false details.ticket=T1
1h ada recipe.changed resource.id=r1 resource.parent_machine=m1 change=temp:1:2
2h ada config.changed resource.id=a1 resource.parent_machine=m1 change=alarm_enabled:false:true`,
		},
	},
	"out-of-order": {
		"0s+10m*5 ada issue.updated\n20m ada issue.updated", "e6", "ada",
		[]string{
			"0s+10m*5 ada issue.updated\n36m ada issue.updated", // within what clocks differ
			"50m+-10m*5 ada issue.updated",                      // a file with the newest first
		},
	},
	"emitter-gap": {
		"0s ada issue.updated metadata.emitter_id=m metadata.emitter_seq=1\n1m ada issue.updated metadata.emitter_id=m metadata.emitter_seq=4", "e1 e2", "ada",
		[]string{
			"0s+1m*9 ada issue.updated metadata.emitter_id=m metadata.emitter_seq=%d",
			"0s ada issue.updated metadata.emitter_id=m metadata.emitter_seq=1\n1m ada issue.updated metadata.emitter_id=m metadata.emitter_seq=3\n2m ada issue.updated metadata.emitter_id=m metadata.emitter_seq=2", // late
			"0s ada issue.updated metadata.emitter_id=m metadata.emitter_seq=1\n1m ada issue.updated metadata.emitter_id=n metadata.emitter_seq=4",
		},
	},
	"emitter-replay": {
		"0s ada issue.updated metadata.emitter_id=m metadata.emitter_seq=1\n1m ada issue.updated metadata.emitter_id=m metadata.emitter_seq=1", "e1 e2", "ada",
		[]string{"0s ada issue.updated metadata.emitter_id=m metadata.emitter_seq=1\n1m ada issue.updated metadata.emitter_id=n metadata.emitter_seq=1"},
	},
	"machine-like": {
		"0s+7s*21 ada issue.updated", "e1..e21", "ada",
		[]string{
			"0s+7s*20 ada issue.updated",
			"0s+7s*21 @scanner issue.updated",
			"0s+0s*21 ada issue.updated", // one form with many entries
			"0s+7s*10 ada issue.updated\n5m+11s*11 ada issue.updated",
		},
	},
	"round-times": {
		"-7123ms+60s*6 ada issue.updated\n11m ada issue.updated", "e1..e6", "ada",
		[]string{
			"-7123ms+60s*6 ada issue.updated", // a clock that tells minutes
			"-7123ms+60s*4 ada issue.updated\n1h+71s*40 ada issue.updated",
			"-7123ms+60s*6 @cron issue.updated\n11m ada issue.updated",
		},
	},
}
