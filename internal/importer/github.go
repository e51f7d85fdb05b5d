package importer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// GitHub reads the audit log of a GitHub organisation or enterprise as it is
// exported or streamed: one JSON object a line, or one array. Where a record's
// parts go:
//
//	action                  event_type, as "github." and the action; action.operation
//	@timestamp              timestamp, from milliseconds; without it, created_at, which stays
//	_document_id            external_id, as "github:" and the id
//	actor                   actor.id
//	actor_ip, user_agent    context.source_ip, context.user_agent
//	repo                    repository.id, and the resource
//	request_id              metadata.request_id
//	what else names people  metadata, unchanged: see personal
//	everything else         details, unchanged
//
// A record without _document_id (Git events of some exports) gets an identity
// that follows from its content, as a line of JSONL does.
//
// So every member of the record is in the entry once, whole, and what names a
// person stands where it can be withheld or erased.
func GitHub(r io.Reader) iter.Seq2[Item, error] {
	identities := identities{}
	return records(r, bareArray, func(n int, v any) Item { return gitHubItem(n, v, identities) })
}

func gitHubItem(line int, v any, identities identities) Item {
	item := Item{Line: line}
	record, ok := v.(map[string]any)
	if !ok {
		item.Err = errors.New("a record of GitHub's audit log is a JSON object")
		return item
	}
	action := text(record["action"])
	if action == "" || len(action) > audit.MaxName {
		item.Err = fmt.Errorf("the record has no action of at most %d bytes, so it is not one of GitHub's audit log", audit.MaxName)
		return item
	}
	at, notes, err := gitHubTime(record)
	if err != nil {
		item.Err = err
		return item
	}
	id := "github:" + text(record["_document_id"])
	if id == "github:" {
		if id, item.Err = identities.of("github.content:", record); item.Err != nil {
			return item
		}
	} else if len(id) > audit.MaxIdentifier {
		item.Err = fmt.Errorf("the record's _document_id is longer than %d bytes", audit.MaxIdentifier-len("github:"))
		return item
	}
	item.Type = gitHubType(action)
	delete(record, "@timestamp")
	if text(record["_document_id"]) != "" {
		delete(record, "_document_id")
	}
	entry := gitHubEntry(record, action, notes)
	entry["event_type"], entry["external_id"], entry["timestamp"] = item.Type.Name, id, at.Format(milliseconds)
	item.Entry, item.Err = json.Marshal(entry)
	return item
}

// milliseconds is how an entry's time is written where its source counts them.
const milliseconds = "2006-01-02T15:04:05.000Z"

// gitHubTime is the time of a record, and a note if it is not that of
// @timestamp, which a reader of the entry would take it for.
func gitHubTime(record map[string]any) (t time.Time, notes []any, err error) {
	key := "@timestamp"
	if _, there := record[key]; !there {
		key = "created_at"
		notes = []any{"/created_at: a time that is the entry's because the record has no @timestamp"}
	}
	v, there := record[key]
	if !there {
		return t, nil, errors.New("the record has no @timestamp, so it is not one of GitHub's audit log")
	}
	number, _ := v.(json.Number)
	ms, err := strconv.ParseInt(number.String(), 10, 64)
	t = time.UnixMilli(ms).UTC()
	if err != nil || strconv.FormatInt(ms, 10) != number.String() || t.Year() < 1970 || t.Year() > 9999 {
		return t, nil, fmt.Errorf("%s is no time in milliseconds since 1970", key)
	}
	return t, notes, nil
}

func gitHubEntry(record map[string]any, action string, notes []any) map[string]any {
	resource := gitHubResource(record, action)
	entry := map[string]any{
		"severity":    gitHubSeverity(action, record),
		"description": gitHubDescription(record, action),
		"actor":       gitHubActor(record),
		"resource":    resource,
		"action":      map[string]any{"operation": action},
	}
	// What fit makes a text of is not what stands in the entry already.
	delete(record, "action")
	if login := text(record["actor"]); login != "" && first(login) == login {
		delete(record, "actor") // the entry's actor has it
	}
	if repo := text(record["repo"]); repo != "" && first(repo) == repo {
		entry["repository"] = map[string]any{"id": repo}
		delete(record, "repo")
	}
	fitRecord(record, notes...)
	entry["context"] = moved(record, map[string]string{"actor_ip": "source_ip", "user_agent": "user_agent"})
	metadata := moved(record, map[string]string{"request_id": "request_id"})
	entry["metadata"] = metadata
	room := maxOwnMetadata - len(metadata)
	others := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(record)) {
		switch {
		case !personal(key):
		case room > 0 && !slices.Contains(notOwnMetadata, key):
			movedWhole(record, metadata, key)
			room--
		default:
			movedWhole(record, others, key)
		}
	}
	if len(others) > 0 {
		metadata[othersKey] = others
	}
	dropEmpty(entry)
	entry["details"] = record
	return entry
}

// maxOwnMetadata bounds the members of metadata that a record fills, each of
// which can be erased alone; further ones share the member othersKey.
const maxOwnMetadata = audit.MaxMetadata - 1

const othersKey = "import_others"

// notOwnMetadata are names that have a meaning in metadata already.
var notOwnMetadata = []string{"ip_address", "session_id", "user_agent", othersKey}

// personal reports whether a member of a record can name or trace a person. An
// organisation's name, an id of a repository or a hash of a token cannot.
func personal(key string) bool {
	return personalKey.MatchString(key) || slices.Contains(notOwnMetadata, key)
}

// personalKey: actor_id, actor_location, user, user_id, target_login,
// blocked_user, member, email, external_identity_nameid, device_cookie, ….
var personalKey = regexp.MustCompile(`^(actor|user|member|owner|invitee|inviter|collaborator|assignee|reviewer|author|committer|pusher|sender|email|login|external_identity|device|session|actor_session|location|blocked|requester|impersonator)(s$|$|_)|_(user|users|login|logins|email|emails|username|nameid|member|members|actor|ip|reviewers?|assignees?|requester)(_id|_ids|_name)?$`)

// gitHubActor says who acted: people are users, what acts for an app or for
// GitHub itself is a system.
func gitHubActor(record map[string]any) map[string]any {
	login := first(text(record["actor"]))
	if login == "" {
		return map[string]any{"type": "system", "id": "github", "name": "GitHub"}
	}
	kind := "user"
	if record["actor_is_bot"] == true || strings.HasSuffix(login, "[bot]") || strings.Contains(text(record["programmatic_access_type"]), "server-to-server") {
		kind = "system"
	}
	return map[string]any{"type": kind, "id": login, "name": login}
}

// gitHubResource says what was acted on. A resource cannot be erased, so of a
// person it has the number only.
func gitHubResource(record map[string]any, action string) map[string]any {
	family, _, _ := strings.Cut(action, ".")
	candidates := []struct{ kind, id string }{
		{"github.repository", text(record["repo"])},
		{"github.organization", text(record["org"])},
		{"github.enterprise", text(record["business"])},
		{"github.user", number(record["user_id"])},
		{"github.user", number(record["actor_id"])},
	}
	switch family {
	case "team":
		candidates = slices.Insert(candidates, 0, struct{ kind, id string }{"github.team", text(record["team"])})
	case "hook":
		candidates = slices.Insert(candidates, 0, struct{ kind, id string }{"github.hook", number(record["hook_id"])})
	}
	for _, c := range candidates {
		if id := first(c.id); id != "" {
			return map[string]any{"type": c.kind, "id": id}
		}
	}
	return map[string]any{"type": "github.service", "id": "github"}
}

func number(v any) string {
	n, _ := v.(json.Number)
	return n.String()
}

func gitHubDescription(record map[string]any, action string) string {
	what := fmt.Sprintf("%s: %s", gitHubActor(record)["name"], action)
	if user := text(record["user"]); user != "" && user != text(record["actor"]) {
		what += ", " + user
	}
	for _, key := range []string{"repo", "org", "business"} {
		if place := text(record[key]); place != "" {
			return describe(what + " in " + place)
		}
	}
	return describe(what)
}
