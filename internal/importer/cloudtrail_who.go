package importer

import (
	"strings"

	"github.com/sealbook/sealbook/audit"
)

// cloudTrailActor says who acted, in the ledger's words. People and what acts
// for them under a role are users; AWS itself and other accounts are systems.
func cloudTrailActor(identity map[string]any) map[string]any {
	kind, _ := identity["type"].(string)
	issuer := object(object(identity["sessionContext"])["sessionIssuer"])
	actor := map[string]any{"type": "user"}
	switch kind {
	case "", "AWSService", "AWSAccount":
		actor["type"] = "system"
	}
	// A role's session is named by its last step; the person behind it, if
	// there is one, mostly gave that name.
	arn := text(identity["arn"])
	session := arn[strings.LastIndex(arn, "/")+1:]
	actor["id"] = first(arn, text(identity["principalId"]), text(identity["invokedBy"]), text(identity["accountId"]), "aws")
	name := first(text(identity["userName"]), session, text(identity["invokedBy"]), text(identity["principalId"]), text(identity["accountId"]), "AWS")
	if kind == "Root" {
		name = "root"
	}
	actor["name"] = name
	if role := first(text(issuer["userName"]), text(issuer["arn"])); role != "" && text(issuer["type"]) == "Role" {
		actor["role"] = role
	}
	return actor
}

// cloudTrailResource says what was acted on: the first resource that the
// record names, else what its parameters name, else the service.
func cloudTrailResource(record map[string]any) map[string]any {
	if list, ok := record["resources"].([]any); ok {
		for _, element := range list {
			r := object(element)
			// Some services spell the members in lower case.
			id := first(text(r["ARN"]), text(r["arn"]), text(r["resourceName"]))
			if id == "" {
				continue
			}
			kind := first(text(r["type"]), text(r["resourceType"]), typeOfARN(id))
			return map[string]any{"type": kind, "id": id}
		}
	}
	parameters := object(record["requestParameters"])
	for _, p := range cloudTrailParameters {
		if id := first(text(parameters[p.key])); id != "" {
			return map[string]any{"type": p.kind, "id": id}
		}
	}
	return map[string]any{"type": "AWS::Service", "id": first(text(record["eventSource"]), "aws")}
}

// typeOfARN makes "AWS::iam" of "arn:aws:iam::123:role/x".
func typeOfARN(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) == 6 && parts[2] != "" {
		return "AWS::" + parts[2]
	}
	return "AWS::Resource"
}

// cloudTrailParameters are request parameters that name what a call is about,
// the most telling first.
var cloudTrailParameters = []struct{ key, kind string }{
	{"bucketName", "AWS::S3::Bucket"},
	{"instanceId", "AWS::EC2::Instance"},
	{"functionName", "AWS::Lambda::Function"},
	{"policyArn", "AWS::IAM::Policy"},
	{"instanceProfileName", "AWS::IAM::InstanceProfile"},
	{"roleName", "AWS::IAM::Role"},
	{"userName", "AWS::IAM::User"},
	{"policyName", "AWS::IAM::Policy"},
	{"secretId", "AWS::SecretsManager::Secret"},
	{"keyId", "AWS::KMS::Key"},
	{"dBInstanceIdentifier", "AWS::RDS::DBInstance"},
	{"dBSnapshotIdentifier", "AWS::RDS::DBSnapshot"},
	{"groupId", "AWS::EC2::SecurityGroup"},
	{"imageId", "AWS::EC2::Image"},
	{"snapshotId", "AWS::EC2::Snapshot"},
	{"volumeId", "AWS::EC2::Volume"},
	{"subnetId", "AWS::EC2::Subnet"},
	{"routeTableId", "AWS::EC2::RouteTable"},
	{"internetGatewayId", "AWS::EC2::InternetGateway"},
	{"vpcId", "AWS::EC2::VPC"},
	{"logGroupName", "AWS::Logs::LogGroup"},
	{"trailName", "AWS::CloudTrail::Trail"},
	{"resourceArn", "AWS::Resource"},
}

func object(v any) map[string]any {
	o, _ := v.(map[string]any)
	return o
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// first returns the first text that the ledger takes as an identifier.
func first(texts ...string) string {
	for _, s := range texts {
		if s = strings.TrimSpace(s); s != "" && len(s) <= audit.MaxIdentifier {
			return s
		}
	}
	return ""
}
